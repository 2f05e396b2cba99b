"""Gates: whether a network is no worse than another by more than a margin. PASS, FAIL or UNDECIDED.

What is judged is the mean over fault maps of paired differences, candidate less baseline: same images, same map ids.
PASS when the interval of that mean lies at or above −margin, FAIL when it lies below, else UNDECIDED, which asks for
more maps up to a cap and then counts as not shown. With a true difference of exactly −margin at most α/2 of campaigns
PASS and at most α/2 FAIL, however many looks were planned. Everything is in shares: a margin of one point is 0.01.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spikewright.errors import BadSetting
from spikewright.measure.statistics.betting import betting_interval, log_capital
from spikewright.measure.statistics.intervals import Interval, t_interval, t_p_value
from spikewright.measure.statistics.looks import look_level, looks
from spikewright.measure.statistics.skewness import MOST, skewness_of_mean
from spikewright.measure.statistics.values import DIFFERENCE, ROUNDING, error_share, of_maps

LEAST_MAPS = 100
LEAST_OUTCOMES = 5


class Verdict(StrEnum):
    """What a gate says."""

    PASS = "PASS"
    FAIL = "FAIL"
    UNDECIDED = "UNDECIDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict and what it rests on.

    Attributes:
        verdict: PASS, FAIL, or UNDECIDED, which at the cap means not shown.
        low, high: where the mean difference lies, in shares, at the level of the look; −1 … 1 before the first look.
        maps: so many first maps it rests on; 0 before the first look.
        reason: why, in one line for a person; in points.
    """

    verdict: Verdict
    low: float
    high: float
    maps: int
    reason: str

    @property
    def passed(self) -> bool:
        """Whether it was shown; UNDECIDED was not."""
        return self.verdict is Verdict.PASS

    def to_json(self) -> dict[str, Any]:
        """The decision as plain data."""
        return {**asdict(self), "verdict": self.verdict.value}


class Way(Protocol):
    """How a gate decides. The same maps always get the same answer, however they came to be there."""

    def decide(self, differences: ArrayLike, *, margin: float, level: float = 0.95, cap: int = 1000) -> Decision:
        """Decide by the first `cap` differences at most.

        Args:
            differences: candidate less baseline, one a map, [maps], by map id; shares, −1 … 1.
            margin: so much worse is still no worse; a share. Below 0: so much better it has to be.
            level: 1 − α; α bounds the false verdicts at the boundary, both directions and all looks together.
            cap: maps at which what is undecided counts as not shown; part of the plan, fixed beforehand.

        Raises:
            BadData: differences that are not finite, none, or outside −1 … 1.
            BadSetting: a margin not inside (−1, 1), a cap below 1, or a level outside (0, 1).
        """
        ...

    def p_value(self, differences: ArrayLike, *, margin: float, cap: int = 1000) -> float:
        """The least α whose gate is or was passed; 1 where none is. A mirrored gate gives that of FAIL.

        If the true difference is −margin or less, it comes out at p or below with probability at most p/2.

        Raises:
            BadData, BadSetting: as in `decide`.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Normal:
    """Student's t on paired differences, at planned looks only; the usual way.

    A look gives no verdict with fewer than 100 maps, fewer than 5 distinct outcomes, or maps so skewed that t is not to
    be relied on (`skewness.py`). Losses that no map has met yet it cannot see: where one map in a hundred loses much,
    28 % of campaigns meet none in 128 maps and are judged as if there were none. To rule that out, be strict.
    """

    def decide(self, differences: ArrayLike, *, margin: float, level: float = 0.95, cap: int = 1000) -> Decision:
        """See `Way.decide`."""
        array, _ = _of_gate(differences, margin, cap), error_share(level)
        done = [count for count in looks(cap) if count <= len(array)]
        waits = _waits(len(array), cap)
        found = Decision(
            verdict=Verdict.UNDECIDED,
            low=DIFFERENCE[0],
            high=DIFFERENCE[1],
            maps=0,
            reason=f"{len(array):,} maps, no look yet; {waits}",
        )
        for number, count in enumerate(done, 1):
            first = array[:count]
            interval = t_interval(first, level=look_level(number, level), bounds=DIFFERENCE)
            found = _decision(_verdict(interval, margin), interval, margin, count, waits)
            if obstacle := _obstacle(first):
                found = replace(found, verdict=Verdict.UNDECIDED, reason=f"{obstacle}; {waits}")
            if found.verdict is not Verdict.UNDECIDED:
                break
        return found

    def p_value(self, differences: ArrayLike, *, margin: float, cap: int = 1000) -> float:
        """See `Way.p_value`: the least over the looks of 2 · p_j · j(j+1)."""
        array, least = _of_gate(differences, margin, cap), 1.0
        for number, count in enumerate(looks(cap), 1):
            if count <= len(array) and not _obstacle(array[:count]):
                least = min(least, 2 * t_p_value(array[:count], -margin) * number * (number + 1))
        return least


@dataclass(frozen=True, slots=True, kw_only=True)
class Strict:
    """A betting confidence sequence on paired differences: holds for any distribution, at every count; needs more maps.

    It looks after every map, so it ends with the first that settles the matter.
    """

    def decide(self, differences: ArrayLike, *, margin: float, level: float = 0.95, cap: int = 1000) -> Decision:
        """See `Way.decide`."""
        array = _of_gate(differences, margin, cap)
        needed = -np.log(error_share(level) / 2)  # half of the money on either side
        passes = _first(log_capital(array, -margin, bounds=DIFFERENCE) >= needed)
        fails = _first(log_capital(-array, margin, bounds=DIFFERENCE) >= needed)
        count = min(passes, fails, len(array))
        found = betting_interval(array[:count], level=level, bounds=DIFFERENCE)
        verdict, waits = Verdict.UNDECIDED, "more maps may decide" if count < cap else _waits(count, cap)
        if passes < fails:  # the interval's ends are rounded outwards, the verdict is not
            verdict, found = Verdict.PASS, found._replace(low=max(found.low, -margin))
        elif fails < passes:
            verdict, found = Verdict.FAIL, found._replace(high=min(found.high, -margin))
        return _decision(verdict, found, margin, count, waits)

    def p_value(self, differences: ArrayLike, *, margin: float, cap: int = 1000) -> float:
        """See `Way.p_value`: one over half of the largest capital."""
        array = _of_gate(differences, margin, cap)
        return float(min(1.0, 2 * np.exp(-log_capital(array, -margin, bounds=DIFFERENCE).max())))


WAYS: Mapping[str, Way] = {"normal": Normal(), "strict": Strict()}


def _of_gate(differences: ArrayLike, margin: float, cap: int) -> NDArray[np.float64]:
    if not -1 < margin < 1:
        raise BadSetting(f"margin must lie between -1 and 1, got {margin:g}: it is a share, 0.01 is one point")
    if cap < 1:
        raise BadSetting(f"cap must be at least 1 map, got {cap}")
    return of_maps(differences, DIFFERENCE)[:cap]


def _first(crossed: NDArray[np.bool_]) -> int:
    """Maps after which it first holds; one more than there are, where it never does."""
    return int(crossed.argmax()) + 1 if crossed.any() else len(crossed) + 1


def _obstacle(differences: NDArray[np.float64]) -> str:
    """Why t says nothing about these; empty if it does."""
    count = len(differences)
    if count < LEAST_MAPS:
        return f"{count:,} maps, the normal way needs {LEAST_MAPS}"
    outcomes = len(np.unique(np.round(differences / ROUNDING)))
    if outcomes < LEAST_OUTCOMES:
        return f"distinct outcomes: {outcomes}, the normal way needs {LEAST_OUTCOMES}: decide the strict way"
    skewness = skewness_of_mean(differences)
    if abs(skewness) > MOST:
        return f"skewed: {skewness:+.2f} for the mean of {count:,} maps, at most ±{MOST:g}: decide the strict way"
    return ""


def _verdict(found: Interval, margin: float) -> Verdict:
    if found.low >= -margin:
        return Verdict.PASS
    return Verdict.FAIL if found.high < -margin else Verdict.UNDECIDED


def _waits(done: int, cap: int) -> str:
    after = [count for count in looks(cap) if count > done]
    return f"next look at {after[0]:,} maps" if after else f"not shown within {cap:,} maps"


def _decision(verdict: Verdict, found: Interval, margin: float, maps: int, waits: str) -> Decision:
    where = {Verdict.PASS: "not below", Verdict.FAIL: "all below", Verdict.UNDECIDED: "on both sides of"}[verdict]
    boundary = f"{-100 * margin:+g}" if margin else "0"
    interval = f"{100 * found.low:+.2f} … {100 * found.high:+.2f} points"
    reason = f"difference {interval} over {maps:,} maps, {where} {boundary}"
    if verdict is Verdict.UNDECIDED:
        reason += f"; {waits}"
    return Decision(verdict=verdict, low=found.low, high=found.high, maps=maps, reason=reason)
