"""A product keeps its weight, or the integers that are stored in its place, and adds its bias."""

from spikewright.ann.ops import Product
from spikewright.ann.ops.products import Conv, Linear
from spikewright.conversion.stages.parts import Part, Take, Taken


def _product(part: Part) -> Taken:
    op, weight, gain = part.op, part.roles["weight"], None
    assert isinstance(op, Product)
    if part.stored is not None:
        weight = part.stored.integers.double()
        gain = part.stored.scale.double().reshape(-1).expand(op.out_channels(weight))
    bias = part.roles.get("bias")
    if bias is not None and op.space:
        bias = part.by_channel(bias)
    return Taken(op, weight, bias, gain)


RULES: dict[type, Take] = {Linear: _product, Conv: _product}
