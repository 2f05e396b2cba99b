"""Matrix products and convolutions: bytes where a stage's proven reach allows, else integers in floating point."""

from dataclasses import replace

import torch

from spikewright.ann.ops.products import Conv, Linear
from spikewright.engines.int8.operations import BYTES, SINGLE, Given, OnBytes, Rule, holding, named
from spikewright.engines.int8.products import FLOAT32_EXACT, byte_product
from spikewright.engines.int8.terms import Form, Term, Terms, laid_out, value


def _product(known: Given) -> OnBytes:
    """A matrix product or convolution; its factor and bias stay beside its sums."""
    instruction, given, shape = known.instruction, known.forms[0], known.shape
    node, reach, gained = instruction.node, instruction.reach, known.gained
    assert reach is not None
    assert instruction.weight is not None
    if given.plain and given.terms[0].dtype == torch.uint8 and not gained:
        product = byte_product(node, instruction.weight, given.shape, read=reach.read, total=reach.sum)
        if product is not None:
            form = _sums(shape, reach.sum).scaled(instruction.after, instruction.bias)
            return OnBytes(lambda inputs: (product(laid_out(inputs[0][0])),), form, BYTES)
    dtype, gain = holding(max(reach.sum, reach.read)), instruction.gain(0)
    gain = None if gain is None else gain.to(dtype)
    weight = laid_out(instruction.weight.to(dtype))
    split = None if gained else _split(reach.read, reach.sum)

    def run(inputs: list[Terms]) -> Terms:
        x = value(given, inputs[0], dtype)
        return (node.op([x if gain is None else x * gain], weight),)

    if dtype == torch.float32 or split is None:
        return OnBytes(run, _sums(shape, reach.sum, dtype).scaled(instruction.after, instruction.bias), named(dtype))
    single = weight.float()

    def run_in_parts(inputs: list[Terms]) -> Terms:
        x = value(given, inputs[0], torch.float32)
        high = (x / split).floor()
        return node.op([high], single), node.op([x - split * high], single)

    low = Term(most=float(FLOAT32_EXACT), signed=True, dtype=torch.float32)
    high = replace(low, factor=torch.tensor(float(split)).double())
    form = Form(shape=shape, terms=(high, low)).scaled(instruction.after, instruction.bias)
    return OnBytes(run_in_parts, form, SINGLE)


def _split(read: float, total: float) -> int | None:
    """The power of two by which inputs are split, x = split·high + low, so that both products fit float32."""
    reach = total / max(read, 1.0)
    split = 2 ** (int(read).bit_length() // 2)
    largest = max(float(split), read / split + 1)
    return split if reach * largest < FLOAT32_EXACT and read < FLOAT32_EXACT else None


def _sums(shape: tuple[int, ...], most: float, dtype: torch.dtype = torch.float32) -> Form:
    return Form(shape=shape, terms=(Term(most=most, signed=True, dtype=dtype),))


RULES: dict[type, Rule] = {Linear: _product, Conv: _product}
