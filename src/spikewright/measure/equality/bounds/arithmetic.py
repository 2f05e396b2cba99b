"""Sums: a term an input; a product with a constant: one."""

from spikewright.ann.ops.arithmetic import Add, Scale
from spikewright.measure.equality.bounds import Bound, Case, Size, on_magnitudes


def _add(case: Case) -> Size:
    return on_magnitudes(case, len(case.inputs))


def _scale(case: Case) -> Size:
    return on_magnitudes(case, 2)


RULES: dict[type, Bound] = {Add: _add, Scale: _scale}
