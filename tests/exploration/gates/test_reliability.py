"""Reliability judged together, against loops over SciPy's t tests and a Holm written out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from spikewright.errors import BadData
from spikewright.exploration.figures.under_faults import FaultyAccuracies
from spikewright.exploration.gates.reliability import Ask, Differences, Plan, Shown, reliability, show
from spikewright.measure.statistics.decisions import WAYS, Decision, Verdict
from spikewright.measure.statistics.looks import looks

CAP = 256


def plan(**given_: object) -> Plan:
    stored = {"rates": (0.01,), "margin": 0.0, "way": WAYS["normal"], "alpha": 0.05, "maps": 100, "cap": CAP}
    return Plan(**{**stored, **given_})  # pyright: ignore[reportArgumentType]


def asked(
    pairs: Mapping[tuple[str, float], tuple[FaultyAccuracies, FaultyAccuracies]], log: list[tuple[str, float, int]]
) -> Ask:
    def ask(name: str, ber: float, maps: int) -> tuple[FaultyAccuracies, FaultyAccuracies]:
        log.append((name, ber, maps))
        first, second = pairs[name, ber]
        return FaultyAccuracies(first.accuracy_golden, first.accuracies[:maps]), FaultyAccuracies(
            second.accuracy_golden, second.accuracies[:maps]
        )

    return ask


def normal(shift: float, seed: int, *, golden: float = 0.9, spread: float = 0.02) -> FaultyAccuracies:
    noise = np.random.default_rng(seed).normal(shift, spread, CAP)
    return FaultyAccuracies(golden, golden * np.clip(0.8 + noise, 0, 1.2))


def holm_by_hand(p_values: Sequence[float], alpha: float) -> set[int]:
    left, shown = list(range(len(p_values))), set()
    while left:
        least = min(left, key=lambda index: p_values[index])
        if p_values[least] > alpha / len(left):
            break
        shown.add(least)
        left.remove(least)
    return shown


def p_by_hand(first: FaultyAccuracies, second: FaultyAccuracies, margin: float, count: int) -> float:
    """The sequential p-value of "no worse", looks at 128 and 256."""
    differences = [
        a / first.accuracy_golden - b / second.accuracy_golden
        for a, b in zip(first.accuracies, second.accuracies, strict=True)
    ]
    found = 1.0
    for number, look in enumerate((128, 256), 1):
        if look <= count:
            test = stats.ttest_1samp(differences[:look], -margin, alternative="greater")
            found = min(found, 2 * number * (number + 1) * float(test.pvalue))
    return found


def test_verdicts_are_those_of_t_tests_and_holm() -> None:
    ann = normal(0.0, 0)
    shifts = {"a": 0.02, "b": 0.004, "c": 0.0005, "d": -0.0011, "e": -0.02}
    pairs = {(name, 0.01): (normal(shift, 10 + index), ann) for index, (name, shift) in enumerate(shifts.items())}
    log: list[tuple[str, float, int]] = []
    shown = show(list(shifts), asked(pairs, log), plan(margin=0.002))
    at_cap = [p_by_hand(*pairs[name, 0.01], 0.002, CAP) for name in shifts]
    by_hand = holm_by_hand(at_cap, 0.05)
    assert {name for name, found in shown.items() if found.verdict is Verdict.PASS} == {
        name for index, name in enumerate(shifts) if index in by_hand
    }
    assert shown["a"].verdict is Verdict.PASS
    assert shown["e"].verdict is Verdict.FAIL
    assert ("e", 0.01, 256) not in log  # failed at the first look
    rate = shown["a"].rates[0]
    first, second = pairs["a", 0.01]
    ours = [value / 0.9 for value in first.accuracies[: rate.maps]]
    theirs = [value / 0.9 for value in second.accuracies[: rate.maps]]
    assert rate.reliability_mean == pytest.approx(sum(ours) / len(ours))
    assert rate.reliability_mean_ann == pytest.approx(sum(theirs) / len(theirs))
    assert rate.difference == pytest.approx(sum(ours) / len(ours) - sum(theirs) / len(theirs))
    low, high = stats.t.interval(0.95, len(ours) - 1, np.mean(ours), stats.sem(ours))
    assert (rate.reliability_low, rate.reliability_high) == pytest.approx((low, high))
    assert rate.accuracy_worst == min(first.accuracies[: rate.maps])
    apart = np.array(ours) - np.array(theirs)
    # the first of two looks has half of the errors allowed
    low, high = stats.t.interval(0.975, len(apart) - 1, apart.mean(), stats.sem(apart))
    assert (rate.difference_low, rate.difference_high) == pytest.approx((low, high))
    assert "+" in shown["a"].reason and "128 maps" in shown["a"].reason


@dataclass(frozen=True)
class Scripted:
    """A way whose p-values are the first numbers of the candidate's maps: one for passing, one for failing, by look."""

    def p_value(self, differences: ArrayLike, *, margin: float, cap: int = CAP) -> float:
        values = np.asarray(differences)
        # −d and d are told apart by the sign of the first map; p-values stand behind it, three looks of each
        at = sum(count <= len(values) for count in looks(cap))
        numbers = values[1:4] if values[0] > 0 else -values[4:7]
        return float(min(numbers[:at])) if at else 1.0

    def decide(self, differences: ArrayLike, *, margin: float, level: float = 0.95, cap: int = CAP) -> Decision:
        return Decision(verdict=Verdict.UNDECIDED, low=-1.0, high=1.0, maps=0, reason="difference")


SHARE = st.floats(min_value=0, max_value=1).map(lambda value: round(value**4, 6))  # small ones matter
SCRIPT = st.tuples(SHARE, SHARE, SHARE, SHARE, SHARE, SHARE)


def scripted(script: Sequence[float]) -> tuple[FaultyAccuracies, FaultyAccuracies]:
    values = np.zeros(512)
    values[0] = 0.5
    values[1:7] = script
    return FaultyAccuracies(1.0, values), FaultyAccuracies(1.0, np.zeros(512))


@given(
    scripts=st.lists(st.tuples(SCRIPT, SCRIPT), min_size=1, max_size=5),
    cheap=st.lists(st.booleans(), min_size=5, max_size=5),
)
@settings(max_examples=300)
def test_stopping_early_and_the_order_of_gates_change_nothing(
    scripts: list[tuple[Sequence[float], Sequence[float]]], cheap: list[bool]
) -> None:
    """Ours: what is frugal is struck, and no longer than needed. The paper's: all are struck, energy comes last."""
    cap, alpha, rates = 512, 0.05, (0.01, 0.1)
    pairs = {
        (str(index), ber): scripted(both[place])
        for index, both in enumerate(scripts)
        for place, ber in enumerate(rates)
    }
    log: list[tuple[str, float, int]] = []
    frugal = [str(index) for index in range(len(scripts)) if cheap[index]]
    found = show(frugal, asked(pairs, log), plan(way=Scripted(), cap=cap, rates=rates)) if frugal else {}
    ours = {name for name, each in found.items() if each.verdict is Verdict.PASS}
    # the paper's order, everything to its own end: its first failure, or the cap
    ends = []
    for both in scripts:
        stored = 1.0
        for look in range(3):
            stored = max(min(script[: look + 1]) for script in both)
            if 2 * min(min(script[3 : 4 + look]) for script in both) <= alpha:
                break
        ends.append(stored)
    listed = [index for index in range(len(scripts)) if cheap[index]]
    passed = holm_by_hand([ends[index] for index in listed], alpha)
    assert ours == {str(listed[place]) for place in passed}
    assert {name for name, _, _ in log} == set(frugal)


@given(
    golden=st.integers(1, 20), golden_ann=st.integers(1, 20),
    right=st.lists(st.integers(0, 20), min_size=1, max_size=9), right_ann=st.lists(st.integers(0, 20), min_size=9),
)  # fmt: skip
def test_differences_are_of_shares_that_faults_leave_and_stay_inside_their_range(
    golden: int, golden_ann: int, right: list[int], right_ann: list[int]
) -> None:
    first = FaultyAccuracies(golden / 20, np.array(right) / 20)
    second = FaultyAccuracies(golden_ann / 20, np.array(right_ann[: len(right)]) / 20)
    found = Differences(first, second, "ratio")
    wanted = [ours / golden - theirs / golden_ann for ours, theirs in zip(right, right_ann, strict=False)]
    assert found.plain == pytest.approx(wanted)
    assert found.values == pytest.approx([min(golden, golden_ann) / 20 * value for value in wanted])
    assert (np.abs(found.values) <= 1 + 1e-12).all()
    plain = Differences(first, second, "accuracy")
    assert plain.values == pytest.approx([(a - b) / 20 for a, b in zip(right, right_ann, strict=False)])


def test_it_has_to_hold_at_every_rate() -> None:
    ann = normal(0.0, 0)
    pairs = {
        ("good", 0.01): (normal(0.02, 1), ann), ("good", 0.1): (normal(0.02, 2), ann),
        ("half", 0.01): (normal(0.02, 3), ann), ("half", 0.1): (normal(-0.02, 4), ann),
    }  # fmt: skip
    shown = show(["good", "half"], asked(pairs, []), plan(rates=(0.01, 0.1)))
    assert {name: found.verdict for name, found in shown.items()} == {"good": Verdict.PASS, "half": Verdict.FAIL}
    assert shown["half"].worst.ber == shown["half"].deciding.ber == 0.1
    p_values = {rate.ber: rate.p_value for rate in shown["good"].rates}
    assert shown["good"].deciding.p_value == max(p_values.values())
    near = FaultyAccuracies(0.9, ann.accuracies + np.random.default_rng(6).normal(0, 0.02, CAP))
    lower = FaultyAccuracies(
        0.8, normal(-0.1, 7).accuracies
    )  # less reliable at 0.1, but so is what it is compared with
    pairs = {("a", 0.01): (near, ann), ("a", 0.1): (lower, FaultyAccuracies(0.9, ann.accuracies * 0.7))}
    unclear = show(["a"], asked(pairs, []), plan(rates=(0.01, 0.1)))["a"]
    assert unclear.verdict is Verdict.UNDECIDED
    assert (unclear.worst.ber, unclear.deciding.ber) == (0.1, 0.01)
    assert "at a bit error rate of 0.01 " in unclear.reason
    assert "at a bit error rate of 0.1" in shown["half"].reason
    assert [rate.ber for rate in shown["good"].rates] == [0.01, 0.1]


def test_what_cannot_be_told_is_not_shown_and_says_why() -> None:
    ann = normal(0.0, 0)
    near = FaultyAccuracies(0.9, ann.accuracies + np.random.default_rng(6).normal(0, 0.02, CAP))
    log: list[tuple[str, float, int]] = []
    shown = show(["near"], asked({("near", 0.01): (near, ann)}, log), plan())["near"]
    assert shown.verdict is Verdict.UNDECIDED
    assert shown.p_value > 0.05
    assert log == [("near", 0.01, 128), ("near", 0.01, 256)]
    assert shown.reason.endswith("256 maps; not shown within 256")
    same = show(["same"], asked({("same", 0.01): (ann, ann)}, []), plan())["same"]
    assert same.verdict is Verdict.UNDECIDED
    assert "distinct outcomes: 1" in same.reason


def test_maps_for_the_figures_do_not_change_the_verdict() -> None:
    ann, candidate = normal(0.0, 0), normal(0.02, 1)
    pairs = {("a", 0.01): (candidate, ann)}
    few, more = (show(["a"], asked(pairs, []), plan(maps=maps))["a"] for maps in (100, 250))
    assert (few.p_value, few.verdict) == (more.p_value, more.verdict)
    assert (few.rates[0].maps, more.rates[0].maps) == (128, 250)
    assert few.rates[0].difference_low == more.rates[0].difference_low


def test_a_network_that_gets_nothing_right_fails_and_nothing_can_be_compared_with_one() -> None:
    ann, silent = normal(0.0, 0), FaultyAccuracies(0.0, np.zeros(CAP))
    shown = show(["silent"], asked({("silent", 0.01): (silent, ann)}, []), plan())["silent"]
    assert shown.verdict is Verdict.FAIL
    assert shown.reason == "no image is right even without faults"
    assert reliability(silent).tolist() == [0.0] * CAP
    with pytest.raises(BadData, match=r"the trained network gets none of the images of \[faults\] right: give more"):
        show(["a"], asked({("a", 0.01): (ann, silent)}, []), plan())


def test_verdicts_are_told_look_by_look() -> None:
    ann = normal(0.0, 0)
    near = FaultyAccuracies(0.9, ann.accuracies + np.random.default_rng(6).normal(0, 0.02, CAP))
    on_verdicts: list[dict[str, Verdict]] = []

    def report(shown: Mapping[str, Shown]) -> None:
        on_verdicts.append({name: found.verdict for name, found in shown.items()})

    pairs = {("good", 0.01): (normal(0.03, 1), ann), ("near", 0.01): (near, ann)}
    show(["good", "near"], asked(pairs, []), plan(), on_verdicts=report)
    assert on_verdicts == [{"good": Verdict.PASS, "near": Verdict.UNDECIDED}] * 2


def test_false_passes_at_the_boundary_are_rare_among_all_candidates_together() -> None:
    """Five candidates exactly at the margin, 150 searches: a false pass in any of them, at most α/2 of the time."""
    generator, wrong, searches = np.random.default_rng(7), 0, 150
    for _ in range(searches):
        ann: NDArray[np.float64] = generator.normal(0.8, 0.02, CAP)
        pairs = {
            (str(index), 0.01): (
                FaultyAccuracies(1.0, ann - 0.01 + generator.normal(0, 0.02, CAP)),
                FaultyAccuracies(1.0, ann),
            )
            for index in range(5)
        }
        shown = show([str(index) for index in range(5)], asked(pairs, []), plan(margin=0.01, alpha=0.2))
        wrong += any(found.verdict is Verdict.PASS for found in shown.values())
    # with a true share of α/2 = 0.1, so many or fewer come out in 99.9 % of runs of the test
    assert wrong <= stats.binom.ppf(0.999, searches, 0.1)
    assert wrong > 0
