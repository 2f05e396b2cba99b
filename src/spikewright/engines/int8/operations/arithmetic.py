"""A residual sum is left as its terms; a product with a constant runs plainly."""

from spikewright.ann.ops.arithmetic import Add, Scale
from spikewright.engines.int8.operations import SINGLE, Given, OnBytes, Rule
from spikewright.engines.int8.terms import Form, plus

_MOST_TERMS = 2


def _sum(known: Given) -> OnBytes | None:
    """Its terms side by side, each with its ratio."""
    instruction, given = known.instruction, known.forms
    if any(form.shape != known.shape for form in given) or sum(len(form.terms) for form in given) > _MOST_TERMS:
        return None
    weighed = [form.scaled(instruction.gain(index), None) for index, form in enumerate(given)]
    terms = tuple(term for form in weighed for term in form.terms)
    offset = None
    for form in weighed:
        offset = plus(offset, form.offset)
    form = Form(shape=known.shape, terms=terms, offset=offset).scaled(instruction.after, instruction.bias)
    return OnBytes(lambda inputs: tuple(x for each_terms in inputs for x in each_terms), form, SINGLE)


def _plainly(known: Given) -> None:  # noqa: ARG001
    return None


RULES: dict[type, Rule] = {Add: _sum, Scale: _plainly}
