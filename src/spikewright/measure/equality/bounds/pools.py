"""Means: as many terms as a window holds; the largest of a window rounds nothing, but may be taken of a total."""

import math

from spikewright.ann.ops.pools import AdaptiveAveragePool, AdaptiveMaxPool, AveragePool, MaxPool, Mean
from spikewright.measure.equality.bounds import Bound, Case, Size, on_magnitudes


def _average_pool(case: Case) -> Size:
    assert isinstance(case.node.op, AveragePool)
    return on_magnitudes(case, math.prod(case.node.op.kernel) + 1)


def _mean(case: Case) -> Size:
    given, made = case.inputs[0].magnitude[0].numel(), math.prod(case.node.shape)
    return on_magnitudes(case, 2 * math.ceil(given / made) + 1)  # windows differ by up to 2×


def _largest(case: Case) -> Size:
    return on_magnitudes(case, case.steps)


RULES: dict[type, Bound] = {
    AveragePool: _average_pool,
    **dict.fromkeys((AdaptiveAveragePool, Mean), _mean),
    **dict.fromkeys((MaxPool, AdaptiveMaxPool), _largest),
}
