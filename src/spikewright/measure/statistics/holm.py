"""Holm's correction: several configurations judged together, with all false verdicts bounded together."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spikewright.errors import BadData
from spikewright.measure.statistics.decisions import Decision, Verdict, Way
from spikewright.measure.statistics.values import error_share


def holm(p_values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjusted p-values, [configurations], in the order given: those at most α are shown, all together at level 1 − α.

    The i-th smallest of m is multiplied by m − i + 1, and is no less than the one before it (Holm 1979). Holds however
    the configurations depend on each other.

    Raises:
        BadData: a p-value outside 0 … 1, or not one list of them.
    """
    array = np.asarray(p_values, dtype=np.float64)
    if array.ndim != 1 or not ((array >= 0) & (array <= 1)).all():
        raise BadData(f"holm: p-values must be one list of numbers from 0 to 1, got {p_values!r}")
    order = np.argsort(array, kind="stable")
    raised = array[order] * (len(array) - np.arange(len(array)))
    adjusted = np.empty_like(array)
    adjusted[order] = np.minimum(np.maximum.accumulate(raised), 1)
    return adjusted


def decide_together(
    differences: Mapping[str, ArrayLike], *, margin: float, way: Way, level: float = 0.95, cap: int = 1000
) -> dict[str, Decision]:
    """One gate for each configuration, with at most α false verdicts at the boundaries among all of them together.

    Each direction has its own Holm correction and half of α, as in a single gate. The interval beside a verdict is the
    one that it follows from: made at the level that Holm's procedure had come to, so it is wider than for one alone.

    Args:
        differences: for each configuration, candidate less baseline by map id, [maps] of its own; shares.
        margin: so much worse is still no worse; a share.
        way: how a gate decides.
        level: 1 − α over all configurations.
        cap: maps at which what is undecided counts as not shown.

    Raises:
        BadData: no configuration; or differences that are not finite, none, or outside −1 … 1.
        BadSetting: a margin not inside (−1, 1), a cap below 1, or a level outside (0, 1).
    """
    allowed = error_share(level)
    if not differences:
        raise BadData("holm: no configuration to decide on: give at least one")
    names = list(differences)
    mirrored = {name: -np.asarray(differences[name], dtype=np.float64) for name in names}
    passes = np.array([way.p_value(differences[name], margin=margin, cap=cap) for name in names])
    fails = np.array([way.p_value(mirrored[name], margin=-margin, cap=cap) for name in names])
    passed, failed = holm(passes) <= allowed, holm(fails) <= allowed
    divisors = {Verdict.PASS: _divisors(passes, passed), Verdict.FAIL: _divisors(fails, failed)}
    divisors[Verdict.UNDECIDED] = np.maximum(divisors[Verdict.PASS], divisors[Verdict.FAIL])
    decisions = dict[str, Decision]()
    for i, name in enumerate(names):
        verdict = Verdict.UNDECIDED
        if passed[i] != failed[i]:
            verdict = Verdict.PASS if passed[i] else Verdict.FAIL
        found = way.decide(differences[name], margin=margin, level=1 - allowed / divisors[verdict][i], cap=cap)
        if found.verdict is not verdict:  # one look passes and another fails, which draws of one distribution rarely do
            found = replace(found, verdict=Verdict.UNDECIDED, reason=f"{found.reason}; but looks contradict each other")
        decisions[name] = found
    return decisions


def _divisors(p_values: NDArray[np.float64], shown: NDArray[np.bool_]) -> NDArray[np.int64]:
    """What α was divided by when each was shown, or when the procedure stopped."""
    rank = np.empty(len(p_values), dtype=np.int64)
    rank[np.argsort(p_values, kind="stable")] = np.arange(len(p_values))
    return len(p_values) - np.minimum(rank, int(shown.sum()))
