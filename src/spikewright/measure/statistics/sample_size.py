"""How many single faults to inject, where a share of critical ones is what is asked."""

import heapq
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from spikewright.errors import BadSetting
from spikewright.measure.statistics.values import error_share


def leveugle(population: int, error: float, *, level: float = 0.95, share: float = 0.5) -> int:
    """Faults to draw without replacement, so that a share is known to within ± `error`; rounded up.

    n = N / (1 + e² (N − 1) / (t² p (1 − p))), Leveugle et al. 2009, equation 4, with t the normal quantile of `level`.
    N = 920,064 bits, e = 1 % and 95 % give 9,505.

    Args:
        population: N, the faults that there are.
        error: e, half the width of the interval; a share, 0.01 is one point.
        level: confidence, two-sided.
        share: p, as far as known; 0.5 asks for the most.

    Raises:
        BadSetting: a population below 1, an error or a share not strictly between 0 and 1, or such a level.
    """
    if population < 1:
        raise BadSetting(f"sample size: a population must be at least 1 fault, got {population}")
    for name, value in (("error", error), ("share", share)):
        if not 0 < value < 1:
            raise BadSetting(f"sample size: {name} must lie between 0 and 1, got {value:g}: 0.01 is one point")
    t = -float(ndtri(error_share(level) / 2))
    return min(population, math.ceil(population / (1 + error**2 * (population - 1) / (t**2 * share * (1 - share)))))


def pilot_deviation(hits: ArrayLike, trials: ArrayLike) -> NDArray[np.float64]:
    """Standard deviation √(p(1−p)) of hit or miss in each stratum, [strata], from a pilot; p = (hits + 1)/(trials + 2).

    Laplace's p and not the plain share, so that a stratum without a hit in its few trials still gets some faults.

    Raises:
        BadSetting: hits below 0 or above the trials of their stratum.
    """
    found, tried = np.asarray(hits, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    if found.shape != tried.shape or not ((found >= 0) & (found <= tried)).all():
        raise BadSetting("pilot: each stratum needs its hits and trials, hits between 0 and the trials")
    share = (found + 1) / (tried + 2)
    return np.sqrt(share * (1 - share))


def neyman(
    sizes: Sequence[int] | NDArray[np.int64], deviations: ArrayLike, total: int, *, least: int = 2
) -> NDArray[np.int64]:
    """Faults for each stratum, [strata], that sum to `total` exactly and make the estimate's variance least.

    Neyman's optimum (1934), n_h in proportion to N_h S_h, in whole numbers: each stratum starts with `least`, or with
    all it has, and each further fault goes where it lowers Σ N_h² S_h² / n_h most, by N_h² S_h² / (n_h (n_h + 1)),
    until the stratum is enumerated (Wright 2012). Where no deviation is left to lower, sizes decide, then the order.

    Args:
        sizes: N_h, faults that there are in each stratum, [strata], at least 1.
        deviations: S_h, standard deviation of the outcome in each, [strata], 0 or more: `pilot_deviation`.
        total: faults to inject over all strata, the pilot's included where they are part of the sample.
        least: so many in each at least; 2 let a spread be estimated.

    Raises:
        BadSetting: no strata, sizes or `least` below 1, deviations that are negative or not finite, or a total that is
            less than `least` in each, or more than there are.
    """
    counted, spread = np.asarray(sizes, dtype=np.int64), np.asarray(deviations, dtype=np.float64)
    if counted.ndim != 1 or counted.shape != spread.shape or not len(counted):
        raise BadSetting("strata: each needs one size and one deviation, and there must be at least one")
    if least < 1 or (counted < 1).any() or not (np.isfinite(spread) & (spread >= 0)).all():
        raise BadSetting("strata: sizes and least must be at least 1, deviations finite and 0 or more")
    given = np.minimum(counted, least)
    if not given.sum() <= total <= counted.sum():
        raise BadSetting(
            f"strata: {total:,} faults do not go into {len(counted):,} strata: give at least "
            f"{int(given.sum()):,} and at most {int(counted.sum()):,}"
        )
    return _filled(given, counted, spread, total)


def _filled(
    first: NDArray[np.int64], sizes: NDArray[np.int64], deviations: NDArray[np.float64], total: int
) -> NDArray[np.int64]:
    """`first`, and fault after fault where it lowers the variance most, until there are `total`."""
    given = first.copy()

    def turn(stratum: int) -> tuple[float, float, int]:
        size, now = int(sizes[stratum]), int(given[stratum])
        return -((size * float(deviations[stratum])) ** 2) / (now * (now + 1)), -(size**2) / (now * (now + 1)), stratum

    queue = [turn(stratum) for stratum in range(len(sizes)) if given[stratum] < sizes[stratum]]
    heapq.heapify(queue)
    for _ in range(total - int(given.sum())):
        stratum = queue[0][2]
        given[stratum] += 1
        if given[stratum] < sizes[stratum]:
            heapq.heapreplace(queue, turn(stratum))
        else:
            heapq.heappop(queue)
    return given
