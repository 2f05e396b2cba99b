"""Intervals of a mean over fault maps, and of a share of hits."""

import math
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, ndtri, stdtr, stdtrit

from spikewright.errors import BadData, BadSetting
from spikewright.measure.statistics.values import Range, alike, error_share, of_maps

Side: TypeAlias = Literal["both", "low", "high"]
SIDES: tuple[Side, ...] = ("both", "low", "high")


class Interval(NamedTuple):
    """Where a figure lies, in the unit of what it was made from."""

    low: float
    high: float
    level: float

    @property
    def half_width(self) -> float:
        """Half of what lies between the two ends."""
        return (self.high - self.low) / 2


def tail_share(level: float, side: Side) -> float:
    """The share of misses allowed at each end that `side` bounds: α, or α/2 each for both.

    Raises:
        BadSetting: a level outside (0, 1), or no such side.
    """
    if side not in SIDES:
        raise BadSetting(f"no side {side!r} of an interval: choose among {', '.join(SIDES)}")
    return error_share(level) / (2 if side == "both" else 1)


def t_interval(values: ArrayLike, *, level: float = 0.95, side: Side = "both", bounds: Range | None = None) -> Interval:
    """Student's t interval of the mean over maps; `side="low"` bounds it from below only, "high" from above only.

    Maps that all came out alike say nothing about the spread, and t would give them no width at all. Without
    `bounds` the interval is then infinite. With them it says what n equal values do show: a share of at most
    q = 1 − tail^(1/n) of maps may be different (the rule of three, 3/n), by all the range allows, so the mean is at
    least c − q(c − low). That misses with at most the tail's probability whatever the distribution: to miss, the
    values c_i that can do so must have probabilities p_i with Σ p_i (c_i − low) <= μ − low < (1 − q)(c_i − low), so
    Σ p_i < 1 − q, and all n maps show one of them with probability Σ p_i^n <= (1 − q)^n. One map is n = 1 of the same.

    Args:
        values: one a map, [maps], any unit.
        level: the share of campaigns whose interval holds the mean.
        side: which ends are bounded; the other is infinite, or the end of `bounds`.
        bounds: where a value can lie at all; the interval stays inside.

    Raises:
        BadData: values that are not finite, none, or outside `bounds`.
        BadSetting: a level outside (0, 1), or no such side.
    """
    array, tail = of_maps(values, bounds), tail_share(level, side)
    count, mean = len(array), float(array.mean())
    floor, ceiling = bounds or (-math.inf, math.inf)
    if alike(array):
        differing = 1 - tail ** (1 / count)
        low, high = mean - differing * (mean - floor), mean + differing * (ceiling - mean)
    else:
        reach = -float(stdtrit(count - 1, tail)) * float(array.std(ddof=1)) / math.sqrt(count)
        low, high = mean - reach, mean + reach
    return Interval(
        max(low, floor) if side != "high" else floor, min(high, ceiling) if side != "low" else ceiling, level
    )


def t_p_value(values: ArrayLike, null: float) -> float:
    """How likely a mean this high, or higher, were with a true mean of `null`: one-sided, by Student's t.

    1 where all maps are alike, which shows nothing.

    Raises:
        BadData: values that are not finite, or none.
    """
    array = of_maps(values)
    if alike(array):
        return 1.0
    count = len(array)
    statistic = (float(array.mean()) - null) / (float(array.std(ddof=1)) / math.sqrt(count))
    return float(stdtr(count - 1, -statistic))


def clopper_pearson(hits: int, trials: int, *, level: float = 0.95, side: Side = "both") -> Interval:
    """The exact interval of a share of hits (Clopper and Pearson 1934): covers at least `level`. For claims.

    No trials at all leave 0 … 1.

    Raises:
        BadData: hits below 0 or above the trials.
        BadSetting: a level outside (0, 1), or no such side.
    """
    _check_hits(hits, trials)
    tail = tail_share(level, side)
    low = float(betaincinv(hits, trials - hits + 1, tail)) if hits > 0 and side != "high" else 0.0
    high = float(betaincinv(hits + 1, trials - hits, 1 - tail)) if hits < trials and side != "low" else 1.0
    return Interval(low, high, level)


def wilson(hits: float, trials: float, *, level: float = 0.95, side: Side = "both") -> Interval:
    """Wilson's score interval of a share of hits, without a continuity correction: about `level`. For display.

    Counts need not be whole: strata have effective ones. No trials at all leave 0 … 1.

    Raises:
        BadData: hits below 0 or above the trials.
        BadSetting: a level outside (0, 1), or no such side.
    """
    _check_hits(hits, trials)
    z = -float(ndtri(tail_share(level, side)))
    if trials == 0:
        return Interval(0.0, 1.0, level)
    share, shrink = hits / trials, 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / shrink
    reach = z / shrink * math.sqrt(share * (1 - share) / trials + (z / trials) ** 2 / 4)
    # at no hits, or nothing but hits, the end is that share itself; rounding must not put it elsewhere
    low = max(middle - reach, 0.0) if hits > 0 and side != "high" else 0.0
    high = min(middle + reach, 1.0) if hits < trials and side != "low" else 1.0
    return Interval(low, high, level)


def _check_hits(hits: float, trials: float) -> None:
    if not (np.isfinite(trials) and 0 <= hits <= trials):
        raise BadData(f"evidence: {hits:g} hits of {trials:g} trials: hits must lie between 0 and the trials")
