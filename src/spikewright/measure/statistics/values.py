"""One value a fault map, checked before anything is said of them."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spikewright.errors import BadData, BadSetting

Range: TypeAlias = tuple[float, float]

UNIT: Range = (0.0, 1.0)  # where an accuracy lies
DIFFERENCE: Range = (-1.0, 1.0)  # where a difference of two accuracies lies
ROUNDING = 1e-9  # shares that differ by less differ by rounding only: 0.9 − 0.8 and 0.8 − 0.7


def of_maps(values: ArrayLike, bounds: Range | None = None) -> NDArray[np.float64]:
    """The values as float64, [maps], by map id; put inside `bounds` where rounding took them just outside.

    Raises:
        BadData: not one finite number a map, no map at all, or a value outside `bounds`.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not array.size:
        raise BadData(f"evidence needs one value a fault map, [maps], got shape {list(array.shape)}: give at least one")
    if not np.isfinite(array).all():
        where = int(np.flatnonzero(~np.isfinite(array))[0])
        raise BadData(f"evidence: the value of map {where} is not finite: leave out no map, mend its run")
    if bounds is None:
        return array
    low, high = bounds
    outside = (array < low - ROUNDING) | (array > high + ROUNDING)
    if outside.any():
        where = int(np.flatnonzero(outside)[0])
        raise BadData(
            f"evidence: the value of map {where} is {array[where]:g}, outside {low:g} … {high:g}: "
            "give shares, not points"
        )
    return np.clip(array, low, high)


def alike(values: NDArray[np.float64]) -> bool:
    """Whether all maps came out the same, but for rounding."""
    return bool(np.ptp(values) <= ROUNDING)


def error_share(level: float) -> float:
    """α = 1 − level, in (0, 1).

    Raises:
        BadSetting: a level that is not strictly between 0 and 1.
    """
    if not 0 < level < 1:
        raise BadSetting(f"level must lie between 0 and 1, got {level:g}: 0.95 is usual")
    return 1 - level
