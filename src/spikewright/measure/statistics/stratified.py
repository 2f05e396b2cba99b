"""The share of hits in a whole population, from a sample of each of its strata."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikewright.errors import BadData
from spikewright.measure.statistics.intervals import Interval, clopper_pearson, wilson
from spikewright.measure.statistics.values import error_share

Counts = Sequence[int] | NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class StratifiedEstimate:
    """A share over the population.

    Attributes:
        share: Σ N_h/N · hits_h/trials_h.
        shown: its interval for display: Wilson's, with the sample size that the strata are worth together. About the
            level where heavy strata have their due of trials; too narrow where one has few trials and no hit.
        claimed: its interval for claims, which covers at least the level: Σ N_h/N · Clopper–Pearson's of each stratum,
            the misses shared out among those that were not enumerated. Wide where strata are many.
    """

    share: float
    shown: Interval
    claimed: Interval


def stratified_estimate(sizes: Counts, trials: Counts, hits: Counts, *, level: float = 0.95) -> StratifiedEstimate:
    """Estimate the share of hits; faults drawn without replacement within each stratum.

    The variance is Σ (N_h/N)² (1 − n_h/N_h) p_h (1 − p_h) / n_h, with p_h = (hits + 1)/(trials + 2) in it only, so that
    strata without a hit do not count as certain; enumerated strata (n_h = N_h) are. What n simple draws would have had
    for the same p, over that, times n, is the sample size for Wilson's interval (the design effect of Kish 1965). With
    one stratum, far from enumerated, it is Wilson's own.

    Args:
        sizes: N_h, faults in each stratum, [strata].
        trials: n_h, how many of them were injected, [strata], at least 1.
        hits: how many of those were hits, [strata].
        level: the share of campaigns whose interval holds the true share.

    Raises:
        BadData: not one size, trials and hits a stratum with 0 <= hits <= trials <= size and trials >= 1.
        BadSetting: a level outside (0, 1).
    """
    counted, tried, found = (np.asarray(counts, dtype=np.int64) for counts in (sizes, trials, hits))
    if counted.ndim != 1 or not len(counted) or not counted.shape == tried.shape == found.shape:
        raise BadData("strata: each needs one size, one number of trials and one of hits")
    if not ((found >= 0) & (found <= tried) & (tried <= counted) & (tried >= 1)).all():
        where = int(np.flatnonzero(~((found >= 0) & (found <= tried) & (tried <= counted) & (tried >= 1)))[0])
        raise BadData(
            f"stratum {where}: {found[where]} hits of {tried[where]} trials among {counted[where]} faults: needs "
            "hits <= trials <= faults, and one trial at least"
        )
    misses = error_share(level)
    weights, open_ = counted / counted.sum(), tried < counted
    share = min(1.0, float(weights @ (found / tried)))
    shown = Interval(share, share, level)  # all enumerated: nothing is left to chance
    if open_.any():
        shown = _shown(share, weights, 1 - tried / counted, tried, found, level)
    each = 1 - misses / max(1, int(open_.sum()))
    return StratifiedEstimate(share=share, shown=shown, claimed=_claimed(weights, open_, tried, found, each, level))


def _shown(
    share: float,
    weights: NDArray[np.float64],
    unseen: NDArray[np.float64],
    trials: NDArray[np.int64],
    hits: NDArray[np.int64],
    level: float,
) -> Interval:
    smooth = (hits + 1) / (trials + 2)
    variance = float((weights**2 * unseen * smooth * (1 - smooth) / trials).sum())
    overall = float(weights @ smooth)
    worth = overall * (1 - overall) / variance
    return wilson(share * worth, worth, level=level)


def _claimed(
    weights: NDArray[np.float64],
    open_: NDArray[np.bool_],
    trials: NDArray[np.int64],
    hits: NDArray[np.int64],
    level_each: float,
    level: float,
) -> Interval:
    low = high = 0.0
    for weight, is_open, tried, found in zip(weights, open_, trials, hits, strict=True):
        known = float(found / tried)
        part = clopper_pearson(int(found), int(tried), level=level_each) if is_open else Interval(known, known, level)
        low, high = low + float(weight) * part.low, high + float(weight) * part.high
    return Interval(low, min(high, 1.0), level)
