"""Means: as many terms as a window holds; the largest of a window rounds nothing."""

import math
from collections.abc import Mapping, Sequence

from torch import Tensor

from spikewright.ann.ops.pools import AdaptiveAveragePool, AdaptiveMaxPool, AveragePool, MaxPool, Mean
from spikewright.ann.source import SourceNode
from spikewright.measure.equality.bounds import Bound, Size, on_magnitudes


def _average_pool(node: SourceNode, inputs: Sequence[Size], roles: Mapping[str, Tensor]) -> Size:
    assert isinstance(node.op, AveragePool)
    return on_magnitudes(node, inputs, roles, math.prod(node.op.kernel) + 1)


def _mean(node: SourceNode, inputs: Sequence[Size], roles: Mapping[str, Tensor]) -> Size:
    given, made = inputs[0].magnitude[0].numel(), math.prod(node.shape)
    return on_magnitudes(node, inputs, roles, 2 * math.ceil(given / made) + 1)  # windows differ by up to 2×


def _largest(node: SourceNode, inputs: Sequence[Size], roles: Mapping[str, Tensor]) -> Size:
    return on_magnitudes(node, inputs, roles, 0)


RULES: dict[type, Bound] = {
    AveragePool: _average_pool,
    **dict.fromkeys((AdaptiveAveragePool, Mean), _mean),
    **dict.fromkeys((MaxPool, AdaptiveMaxPool), _largest),
}
