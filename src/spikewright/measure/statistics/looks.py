"""Planned looks: the map counts at which a campaign may ask whether it is done.

Asking an ordinary interval again and again until it answers gives false answers far more often than its level says:
asked after every map up to 1,000, in half of all campaigns at a boundary. So the counts are fixed beforehand, 128, 256,
512, … and the cap, and the j-th look spends α_j = α/(j(j+1)) of the allowed errors, which add up to at most α.
"""

from numpy.typing import ArrayLike

from spikewright.errors import BadSetting
from spikewright.measure.statistics.intervals import Interval, t_interval
from spikewright.measure.statistics.values import UNIT, Range, error_share, of_maps

FIRST = 128


def looks(cap: int) -> tuple[int, ...]:
    """The map counts that are looks: 128 doubled again and again below `cap`, and `cap` itself, which may be less.

    The cap is part of the plan: fix it beforehand, as raising it after a look makes another plan.

    Raises:
        BadSetting: a cap below 1.
    """
    if cap < 1:
        raise BadSetting(f"cap must be at least 1 map, got {cap}")
    counts, count = list[int](), FIRST
    while count < cap:
        counts.append(count)
        count *= 2
    return (*counts, cap)


def look_level(number: int, level: float) -> float:
    """The level 1 − α/(j(j+1)) of an interval at look j = 1, 2, …, for `level` = 1 − α over all looks.

    Raises:
        BadSetting: a level outside (0, 1), or a number below 1.
    """
    if number < 1:
        raise BadSetting(f"looks are numbered from 1 on, got {number}")
    return 1 - error_share(level) / (number * (number + 1))


def enough(values: ArrayLike, precision: float, *, level: float = 0.95, cap: int = 1000, bounds: Range = UNIT) -> bool:
    """Whether the mean was known to within ± `precision` at one of the looks so far.

    Args:
        values: one a map, [maps], in the order of map ids; shares.
        precision: the half width of the interval to reach, in the unit of the values: 0.01 is one point.
        level: the share of campaigns whose interval holds the mean at every look.
        cap: maps at which the campaign ends in any case.
        bounds: where a value can lie at all.

    Raises:
        BadData: values that are not finite, none, or outside `bounds`.
        BadSetting: precision not above 0, a cap below 1, or a level outside (0, 1).
    """
    if not precision > 0:
        raise BadSetting(f"precision must be above 0, got {precision:g}: 0.01 is one point")
    array = of_maps(values, bounds)
    return any(
        t_interval(array[:count], level=look_level(number, level), bounds=bounds).half_width <= precision
        for number, count in enumerate(looks(cap), 1)
        if count <= len(array)
    )


def planned_interval(
    values: ArrayLike, *, level: float = 0.95, cap: int = 1000, bounds: Range = UNIT
) -> Interval | None:
    """The t interval at the last look so far, wide enough for all looks together; None before the first look.

    It is what a campaign that stopped by `enough` may print: at `level` over all its looks.

    Raises:
        BadData: values that are not finite, none, or outside `bounds`.
        BadSetting: a cap below 1, or a level outside (0, 1).
    """
    array = of_maps(values, bounds)
    done = [count for count in looks(cap) if count <= len(array)]
    if not done:
        return None
    found = t_interval(array[: done[-1]], level=look_level(len(done), level), bounds=bounds)
    return found._replace(level=level)
