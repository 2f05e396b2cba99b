"""The dear gate: which candidates are shown to be as reliable as the trained network, all of them judged together.

    R_m = accuracy under map m / accuracy without faults        d_m = R_m(candidate) − R_m(trained network)
    passes: mean of d ≥ −margin at every rate, by paired differences: same images, same maps
or, where that is asked for, the same of accuracies under faults themselves, as `inject --against` compares them.
At each planned look every candidate that is still open gets as many maps as the look asks for. Over rates the largest
p-value counts (all must hold); over candidates Holm's correction bounds the chance of any false pass by α/2. A
candidate whose own gate fails, at any rate, is asked for no more maps; what is open at the cap is not shown.

That stopping early changes nothing: p-values only fall from look to look and Holm's verdicts only grow with them, so
who passes is who would pass if everybody went on to their own failure or to the cap. Nor does it matter whether another
gate, which looks at no fault map, is asked before or after.

Source: "Reliability-Aware Hyperparameter Optimization for ANN-to-SNN Conversion", Algorithm 1, lines 17-19. Differs:
the paper compares two estimates and does not say of how many maps; here the difference has to be shown.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from spikewright.errors import BadData
from spikewright.exploration.figures.under_faults import FaultyAccuracies
from spikewright.measure.statistics.decisions import Verdict, Way
from spikewright.measure.statistics.holm import holm
from spikewright.measure.statistics.intervals import t_interval
from spikewright.measure.statistics.looks import looks

# (candidate, rate, maps) → the candidate and the trained network under the same maps
Ask = Callable[[str, float, int], tuple[FaultyAccuracies, FaultyAccuracies]]
Compared = Literal["ratio", "accuracy"]
Verdicts = Callable[[Mapping[str, "Shown"]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How reliability is decided.

    Attributes:
        rates: bit error rates; it has to hold at every one.
        margin: a share that may be lost, 0 ≤ margin < 1.
        way: how a gate decides.
        by: what is compared: `ratio` (R) or `accuracy` (under faults).
        alpha: the chance of a wrong verdict at the boundary, over all candidates and looks.
        maps: at least so many of each, for the figures.
        cap: at most so many.
    """

    rates: tuple[float, ...]
    margin: float
    way: Way
    alpha: float
    maps: int
    cap: int
    by: Compared = "ratio"


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRate:
    """One candidate and the trained network at one rate; shares, intervals over maps at the level of the search."""

    ber: float
    maps: int
    accuracy_golden: float
    accuracy_mean: float
    accuracy_worst: float
    reliability_mean: float
    reliability_low: float
    reliability_high: float
    accuracy_golden_ann: float
    accuracy_mean_ann: float
    reliability_mean_ann: float
    difference: float
    difference_low: float
    difference_high: float
    p_value: float  # of passing at this rate alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What was shown of one candidate.

    Attributes:
        verdict: PASS, FAIL or UNDECIDED; the last two do not pass.
        p_value: after Holm's correction; at most α where it passes.
        reason: in words.
        rates: figures at each rate.
    """

    verdict: Verdict
    p_value: float
    reason: str
    rates: tuple[AtRate, ...]

    @property
    def worst(self) -> AtRate:
        """The rate at which its reliability is least."""
        return min(self.rates, key=lambda rate: rate.reliability_mean)

    @property
    def deciding(self) -> AtRate:
        """The rate that the verdict hangs on."""
        if self.verdict is Verdict.FAIL:
            return min(self.rates, key=lambda rate: rate.difference_high)
        return max(self.rates, key=lambda rate: (rate.p_value, -rate.difference_low))

    def to_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {**asdict(self), "verdict": self.verdict.value, "rates": [asdict(rate) for rate in self.rates]}


def show(names: Sequence[str], ask: Ask, plan: Plan, *, on_verdicts: Verdicts | None = None) -> dict[str, Shown]:
    """Decide on candidates together.

    Args:
        names: of the candidates.
        ask: for accuracies under the first so many maps.
        plan: how.
        on_verdicts: called with all verdicts after each look, those that are open as UNDECIDED.

    Returns:
        What was shown of each.

    Raises:
        BadData: the trained network gets no image right without faults.
    """
    states = {name: _State(plan) for name in names}
    shown: dict[str, Shown] = {}
    for count in looks(plan.cap):
        for name, state in states.items():
            if state.open:
                state.look({ber: ask(name, ber, max(count, plan.maps)) for ber in plan.rates}, count)
        adjusted = holm([state.passing for state in states.values()])
        for state, p_value in zip(states.values(), adjusted, strict=True):
            state.passed = state.passed or p_value <= plan.alpha
        shown = {name: state.shown(float(p)) for (name, state), p in zip(states.items(), adjusted, strict=True)}
        if on_verdicts is not None:
            on_verdicts(shown)
        if not any(state.open for state in states.values()):
            break
    return shown


class Differences:
    """Paired differences, in a unit in which they cannot leave −1 … 1.

    R can be above 1, as a fault may heal; times the smaller accuracy without faults no difference is larger than 1.
    """

    def __init__(self, candidate: FaultyAccuracies, ann: FaultyAccuracies, by: Compared) -> None:
        if not ann.accuracy_golden:
            raise BadData("search: the trained network gets none of the images of [faults] right: give more images")
        ratio = by == "ratio"
        self.unit = min(candidate.accuracy_golden, ann.accuracy_golden) if ratio else 1.0
        pair = (reliability(candidate), reliability(ann)) if ratio else (candidate.accuracies, ann.accuracies)
        self.plain: NDArray[np.float64] = pair[0] - pair[1]  # as they are
        self.values: NDArray[np.float64] = self.unit * self.plain


def reliability(faulty: FaultyAccuracies) -> NDArray[np.float64]:
    """Reliability under each map, [maps]: accuracy over accuracy without faults; 0 where that is 0."""
    if not faulty.accuracy_golden:
        return np.zeros_like(faulty.accuracies)
    return faulty.accuracies / faulty.accuracy_golden


class _State:
    """One candidate on its way to a verdict."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.passing = 1.0  # p-value of passing, before Holm's correction
        self.passed = self.failed = False
        self.pairs: dict[float, tuple[FaultyAccuracies, FaultyAccuracies]] = {}
        self.count = 0

    @property
    def open(self) -> bool:
        return not (self.passed or self.failed)

    def look(self, pairs: dict[float, tuple[FaultyAccuracies, FaultyAccuracies]], count: int) -> None:
        """Look at the first `count` maps of every rate."""
        self.pairs, self.count = pairs, min(count, self.plan.cap)
        passing, failing = [], []
        for candidate, ann in pairs.values():
            if not candidate.accuracy_golden:
                self.failed = True
                continue
            found = Differences(candidate, ann, self.plan.by)
            margin, values = self.plan.margin * found.unit, found.values[:count]
            passing.append(self.plan.way.p_value(values, margin=margin, cap=self.plan.cap))
            failing.append(self.plan.way.p_value(-values, margin=-margin, cap=self.plan.cap))
        if self.failed:
            return
        self.passing = max(passing)
        self.failed = min(failing) * len(failing) <= self.plan.alpha

    def shown(self, p_value: float) -> Shown:
        rates = tuple(self._at(ber, *pair) for ber, pair in self.pairs.items())
        verdict = Verdict.PASS if self.passed else Verdict.FAIL if self.failed else Verdict.UNDECIDED
        shown = Shown(verdict=verdict, p_value=p_value, reason="", rates=rates)
        return replace(shown, reason=self._reason(shown))

    def _at(self, ber: float, candidate: FaultyAccuracies, ann: FaultyAccuracies) -> AtRate:
        found, level = Differences(candidate, ann, self.plan.by), 1 - self.plan.alpha
        values, unit, ratios = found.values[: self.count], found.unit, reliability(candidate)
        interval = t_interval(ratios, level=level, bounds=(0.0, max(1 / (candidate.accuracy_golden or 1), 1.0)))
        # the way's own interval, at its own level, over the maps that the verdict rests on
        decided = self.plan.way.decide(values, margin=self.plan.margin * unit, level=level, cap=self.plan.cap)
        return AtRate(
            ber=ber,
            maps=len(candidate.accuracies),
            accuracy_golden=candidate.accuracy_golden,
            accuracy_mean=float(candidate.accuracies.mean()),
            accuracy_worst=float(candidate.accuracies.min()),
            reliability_mean=float(ratios.mean()),
            reliability_low=interval.low,
            reliability_high=interval.high,
            accuracy_golden_ann=ann.accuracy_golden,
            accuracy_mean_ann=float(ann.accuracies.mean()),
            reliability_mean_ann=float(reliability(ann).mean()),
            difference=float(found.plain.mean()),
            difference_low=decided.low / unit if unit else -1.0,
            difference_high=decided.high / unit if unit else 0.0,
            p_value=self.plan.way.p_value(values, margin=self.plan.margin * unit, cap=self.plan.cap),
        )

    def _reason(self, shown: Shown) -> str:
        if any(not rate.accuracy_golden for rate in shown.rates):
            return "no image is right even without faults"
        low = shown.deciding
        what = "reliability" if self.plan.by == "ratio" else "accuracy under faults"
        words = (
            f"{what} {100 * low.difference:+.2f} points at a bit error rate of {low.ber:g} "
            f"({100 * low.difference_low:+.2f} … {100 * low.difference_high:+.2f}), {low.maps:,} maps"
        )
        if shown.verdict is not Verdict.UNDECIDED:
            return words
        candidate, ann = self.pairs[low.ber]
        found = Differences(candidate, ann, self.plan.by)
        decided = self.plan.way.decide(
            found.values[: self.count], margin=self.plan.margin * found.unit, level=1 - self.plan.alpha,
            cap=self.plan.cap,
        )  # fmt: skip
        obstacle = decided.reason.partition(";")[0]
        obstacle = "" if obstacle.startswith("difference") else f"; {obstacle}"
        return f"{words}{obstacle}; not shown" + ("" if self.count < self.plan.cap else f" within {self.plan.cap:,}")
