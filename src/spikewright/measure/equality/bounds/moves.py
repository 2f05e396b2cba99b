"""What moves values rounds nothing; a concatenation counts a term an input."""

from spikewright.ann.ops.moves import Concat, Gather, Identity, Permute, Reshape, Slice, ZeroPad
from spikewright.measure.equality.bounds import Bound, Case, Size, on_magnitudes


def _moved(case: Case) -> Size:
    return on_magnitudes(case, 0)


def _concat(case: Case) -> Size:
    return on_magnitudes(case, len(case.inputs))


RULES: dict[type, Bound] = {
    **dict.fromkeys((Identity, Gather, Permute, Reshape, Slice, ZeroPad), _moved),
    Concat: _concat,
}
