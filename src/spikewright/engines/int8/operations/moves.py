"""Bytes are moved as they are, where nothing is to be multiplied on the way."""

from spikewright.ann.ops.moves import Concat, Gather, Identity, Permute, Reshape, Slice, ZeroPad
from spikewright.engines.int8.operations import SINGLE, Given, OnBytes, Rule
from spikewright.engines.int8.terms import Form, Term


def _moved(known: Given) -> OnBytes | None:
    instruction, given = known.instruction, known.forms
    if known.gained or not all(form.plain for form in given):
        return None
    terms = [form.terms[0] for form in given]
    term = Term(most=max(t.most for t in terms), signed=any(t.signed for t in terms), dtype=terms[0].dtype)
    form = Form(shape=known.shape, terms=(term,)).scaled(instruction.after, instruction.bias)
    return OnBytes(lambda inputs: (instruction.node.op([each_terms[0] for each_terms in inputs]),), form, SINGLE)


def _concat(known: Given) -> OnBytes | None:
    one_type = len({term.dtype for form in known.forms for term in form.terms}) == 1
    return _moved(known) if one_type else None


RULES: dict[type, Rule] = {
    **dict.fromkeys((Identity, Gather, Reshape, Permute, Slice, ZeroPad), _moved),
    Concat: _concat,
}
