"""What moves values rounds nothing; a concatenation counts a term an input."""

from spikewright.ann.ops.moves import Concat, Gather, Identity, Permute, Reshape, Slice, ZeroPad
from spikewright.measure.equality.bounds import Bound, Case, Size, on_magnitudes


def _moved(case: Case) -> Size:
    return on_magnitudes(case, 0, lambda: 1.0)


def _copied(case: Case) -> Size:
    return on_magnitudes(case, 0)


def _concat(case: Case) -> Size:
    return on_magnitudes(case, len(case.inputs), lambda: 1.0)


RULES: dict[type, Bound] = {
    **dict.fromkeys((Identity, Permute, Reshape, Slice, ZeroPad), _moved),
    Gather: _copied,
    Concat: _concat,
}
