"""Sums: a term an input; a product with a constant: one."""

from spikewright.ann.ops.arithmetic import Add, Scale
from spikewright.measure.equality.bounds import Bound, Case, Size, on_magnitudes


def _add(case: Case) -> Size:
    alike = all(value.shape == case.made.shape for value in case.values)
    return on_magnitudes(case, len(case.inputs), (lambda: 1.0) if alike else None)


def _scale(case: Case) -> Size:
    alike = case.values[0].shape == case.made.shape
    return on_magnitudes(case, 2, (lambda: float(case.roles["weight"].abs().max())) if alike else None)


RULES: dict[type, Bound] = {Add: _add, Scale: _scale}
