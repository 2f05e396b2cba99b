"""A confidence sequence for the mean of bounded values: valid at every count, whatever the distribution.

Bet that the mean is above m. A gambler who stakes the share f of his capital on each map, whose payoff is the value's
ratio to m, holds K_n(m) = Π (1 + f (X_i − m)/m); values lie in [0, 1], so nothing can cost more than the stake. If the
mean is m or below, K is a supermartingale from 1 on, and by Ville's inequality ever reaches 1/α with probability at
most α. So any m at which it was reached lies below the mean, at every count at once: look as often as you like. K falls
as m grows, so those m form an interval, found by bisection. Above the mean the same holds of 1 − X.

Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting" (2024): the hedged capital
process, half of the money on either side. Differs in the stakes: theirs follow a running estimate of the spread, cut at
half of what is allowed; here capital is split over fixed stakes f = 0.99 · 2^−k, most of it on the boldest (1/2, 1/6,
1/12, …). Outcomes of fault maps crowd in a small part of their range, where bold stakes need about half the maps; with
widely spread outcomes the widths are about the same. Nothing depends on α or on a planned number of maps.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spikewright.errors import BadSetting
from spikewright.measure.statistics.intervals import Interval, Side, tail_share
from spikewright.measure.statistics.values import UNIT, Range, of_maps

_ORDERS = np.arange(10)
STAKES = 0.99 * 0.5**_ORDERS  # below 1, so that no single map takes it all
SHARES = 1 / ((_ORDERS + 1) * (_ORDERS + 2))
SHARES[-1] += 1 / (len(_ORDERS) + 1)  # what is left of 1
_HALVINGS = 26  # 1.5e-8 of the range


def log_capital(values: ArrayLike, null: float, *, bounds: Range = UNIT) -> NDArray[np.float64]:
    """Natural logarithm of the capital after each map, [maps], of the bet that the mean is above `null`.

    It starts from 1 before the first map; its largest value so far is the evidence: if the mean is `null` or less, it
    ever reaches log(1/α) with probability at most α.

    Args:
        values: one a map, [maps], in the order of map ids, in the unit of `bounds`.
        null: strictly inside `bounds`.
        bounds: where a value can lie at all.

    Raises:
        BadData: values that are not finite, none, or outside `bounds`.
        BadSetting: `null` not inside `bounds`.
    """
    low, high = bounds
    if not low < null < high:
        raise BadSetting(f"a bet needs a mean strictly between {low:g} and {high:g}, got {null:g}")
    scaled = (of_maps(values, bounds) - low) / (high - low)
    return _log_capital(scaled, (null - low) / (high - low))


def betting_interval(values: ArrayLike, *, level: float = 0.95, side: Side = "both", bounds: Range = UNIT) -> Interval:
    """The mean after these maps, from everything seen on the way: valid however often one has looked.

    Ends round outwards, by less than 2e-8 of the range. Should low exceed high (probability below 1 − level), the maps
    contradict each other: they are not draws of one distribution.

    Args:
        values: one a map, [maps], in the order of map ids, in the unit of `bounds`.
        level: the share of campaigns whose interval holds the mean at every count.
        side: which ends are bounded; the other is the end of `bounds`.
        bounds: where a value can lie at all.

    Raises:
        BadData: values that are not finite, none, or outside `bounds`.
        BadSetting: a level outside (0, 1), or no such side.
    """
    low, high = bounds
    scaled = (of_maps(values, bounds) - low) / (high - low)
    needed = -math.log(tail_share(level, side))
    below = _largest_refuted(scaled, needed) if side != "high" else 0.0
    above = _largest_refuted(1 - scaled, needed) if side != "low" else 0.0
    return Interval(low + below * (high - low), high - above * (high - low), level)


def _log_capital(scaled: NDArray[np.float64], null: float) -> NDArray[np.float64]:
    by_stake = np.log1p(STAKES[:, None] * (scaled / null - 1)).cumsum(1)  # [stakes, maps]
    top = by_stake.max(0)
    return top + np.log(SHARES @ np.exp(by_stake - top))


def _largest_refuted(scaled: NDArray[np.float64], needed: float) -> float:
    """The largest mean that the capital has ever refuted, from below; 0 if none."""
    refuted, open_ = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (refuted + open_) / 2
        if float(_log_capital(scaled, middle).max()) >= needed:
            refuted = middle
        else:
            open_ = middle
    return refuted
