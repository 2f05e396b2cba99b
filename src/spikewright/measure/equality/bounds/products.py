"""Matrix products and convolutions: as many terms as one output has products."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from spikewright.ann.ops import Product
from spikewright.ann.ops.products import Conv, Linear
from spikewright.ann.source import SourceNode
from spikewright.measure.equality.bounds import Bound, Size, on_magnitudes


def _product(node: SourceNode, inputs: Sequence[Size], roles: Mapping[str, Tensor]) -> Size:
    assert isinstance(node.op, Product)
    return on_magnitudes(node, inputs, roles, node.op.fan_in(roles["weight"]) + 1)


RULES: dict[type, Bound] = {Linear: _product, Conv: _product}
