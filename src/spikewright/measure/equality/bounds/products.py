"""Matrix products and convolutions: as many terms as one output has products."""

from spikewright.ann.ops import Product
from spikewright.ann.ops.products import Conv, Linear
from spikewright.measure.equality.bounds import Bound, Case, Size, on_magnitudes
from spikewright.measure.equality.stretch import largest_stretch


def _product(case: Case) -> Size:
    assert isinstance(case.node.op, Product)
    return on_magnitudes(case, case.node.op.fan_in(case.roles["weight"]) + 1)


def _linear(case: Case) -> Size:
    assert isinstance(case.node.op, Linear)
    weight = case.roles["weight"]
    return on_magnitudes(case, case.node.op.fan_in(weight) + 1, lambda: float(largest_stretch(weight)))


RULES: dict[type, Bound] = {Linear: _linear, Conv: _product}
