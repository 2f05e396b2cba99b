"""Matrix products and convolutions: as many terms as one output has products."""

from spikewright.ann.ops import Product
from spikewright.ann.ops.products import Conv, Linear
from spikewright.measure.equality.bounds import Bound, Case, Size, on_magnitudes


def _product(case: Case) -> Size:
    assert isinstance(case.node.op, Product)
    return on_magnitudes(case, case.node.op.fan_in(case.roles["weight"]) + 1)


RULES: dict[type, Bound] = {Linear: _product, Conv: _product}
