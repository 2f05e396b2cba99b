"""Means are sums over windows; what is left of the factor and the divisor is a whole number. Maxima run plainly."""

import torch

from spikewright.ann.ops import Averaging
from spikewright.ann.ops.pools import AdaptiveAveragePool, AdaptiveMaxPool, AveragePool, MaxPool, Mean
from spikewright.engines.int8.operations import SINGLE, Given, OnBytes, Rule
from spikewright.engines.int8.terms import BYTE, Form, Term, laid_out
from spikewright.engines.int8.windows import even_window, sums


def _means(known: Given) -> OnBytes | None:
    instruction, given, shape = known.instruction, known.forms[0], known.shape
    assert isinstance(instruction.node.op, Averaging)
    window = even_window(instruction.node.op, given)
    if window is None:
        return None
    most = given.terms[0].most * window.kernel[0] * window.kernel[1]
    dtype = torch.uint8 if most <= BYTE else torch.float32
    assert instruction.after is not None
    form = Form(shape=shape, terms=(Term(most=most, dtype=dtype),))
    form = form.scaled(instruction.after.double() / window.divisor, instruction.bias)
    return OnBytes(lambda inputs: (sums(laid_out(inputs[0][0]), window, shape, dtype),), form, SINGLE)


def _plainly(known: Given) -> None:  # noqa: ARG001
    return None


RULES: dict[type, Rule] = {
    **dict.fromkeys((AveragePool, AdaptiveAveragePool, Mean), _means),
    **dict.fromkeys((MaxPool, AdaptiveMaxPool), _plainly),
}
