"""Gates against t tests look by look and bets map by map, and by simulation: false verdicts, power, skewed maps."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from spikewright.errors import BadData, BadSetting
from spikewright.measure.statistics.betting import betting_interval, log_capital
from spikewright.measure.statistics.decisions import WAYS, Normal, Strict, Verdict, Way
from spikewright.measure.statistics.intervals import t_interval
from spikewright.measure.statistics.skewness import skewed

EACH = tuple(WAYS.values())
Maps = NDArray[np.float64]


def bell(seed: int, maps: int = 1000, *, mean: float = 0.0, spread: float = 0.01) -> Maps:
    return np.round(np.random.default_rng(seed).normal(mean, spread, maps) * 2000) / 2000


def losses(seed: int, maps: int = 1000, *, share: float = 0.05, loss: float = 0.3) -> Maps:
    """Mean 0: a share of the maps loses, all others gain a little."""
    generator = np.random.default_rng(seed)
    return generator.normal(share * loss, 0.005, maps) - loss * (generator.random(maps) < share)


def by_hand(differences: Maps, margin: float, alpha: float, cap: int) -> tuple[str, int]:
    """t tests at the looks, one after the other, each with half of its part of α per direction."""
    j, count = 0, 0
    for planned in (128, 256, 512, 1024, 2048):
        if len(differences) < min(planned, cap):
            break
        j, count = j + 1, min(planned, cap)
        first, part = differences[:count], alpha / (j * (j + 1)) / 2
        if count >= 100 and len(set(first.tolist())) >= 5 and abs(stats.skew(first)) / count**0.5 <= 0.1:
            if stats.ttest_1samp(first, -margin, alternative="greater").pvalue <= part:
                return "PASS", count
            if stats.ttest_1samp(first, -margin, alternative="less").pvalue < part:
                return "FAIL", count
        if count == cap:
            break
    return "UNDECIDED", count


@pytest.mark.parametrize("cap", [50, 100, 128, 300, 1000])
@pytest.mark.parametrize("margin", [-0.001, 0.0, 0.002, 0.01])
def test_normal_is_t_tests_at_the_looks(margin: float, cap: int) -> None:
    seen = set[str]()
    for seed in range(20):
        for draw in (bell(seed, mean=0.001 * (seed % 5 - 2), spread=0.01), losses(seed, 500 + seed)):
            found = Normal().decide(draw, margin=margin, cap=cap)
            assert (found.verdict, found.maps) == by_hand(draw, margin, 0.05, cap)
            seen.add(found.verdict)
    assert "UNDECIDED" in seen
    assert cap == 50 or len(seen) > 1


def test_the_interval_is_that_of_the_look() -> None:
    values = bell(0, mean=0.01)
    found = Normal().decide(values, margin=0.0)
    expected = stats.t.interval(1 - 0.025, 127, values[:128].mean(), stats.sem(values[:128]))
    assert (found.low, found.high) == pytest.approx(expected)
    assert found.maps == 128
    assert found.passed


@pytest.mark.parametrize("way", EACH)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), mean=st.sampled_from([-0.03, -0.01, 0.0, 0.02]), maps=st.integers(1, 600))
def test_a_verdict_follows_from_its_interval_and_stays(way: Way, seed: int, mean: float, maps: int) -> None:
    values = bell(seed, 700, mean=mean, spread=0.03)
    found, later = (way.decide(values[:count], margin=0.01, cap=700) for count in (maps, 700))
    for one in (found, later):
        if one.verdict is Verdict.PASS:
            assert one.low >= -0.01
        elif one.verdict is Verdict.FAIL:
            assert one.high <= -0.01
        elif one.maps and not skewed(values[: one.maps]):
            assert one.low < -0.01 <= one.high
    if found.verdict is not Verdict.UNDECIDED:
        assert later == found  # maps that came after do not change it
    # the mirrored question has the mirrored answer
    mirrored = way.decide(-values[:maps], margin=-0.01, cap=700)
    opposite = {Verdict.PASS: Verdict.FAIL, Verdict.FAIL: Verdict.PASS, Verdict.UNDECIDED: Verdict.UNDECIDED}
    assert mirrored.verdict is opposite[found.verdict]
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low), abs=1e-7)


def test_strict_ends_with_the_first_map_that_settles_it() -> None:
    values = bell(5, mean=0.04)
    found = Strict().decide(values, margin=0.0)
    capital = np.exp(log_capital(values, 0.0, bounds=(-1, 1)))
    first = next(n for n, one in enumerate(capital, 1) if one >= 2 / 0.05)
    assert (found.verdict, found.maps) == (Verdict.PASS, first)
    assert (found.low, found.high) == pytest.approx(betting_interval(values[:first], bounds=(-1, 1))[:2], abs=1e-7)
    assert Strict().decide(values[: first - 1], margin=0.0).verdict is Verdict.UNDECIDED
    assert Strict().decide(values, margin=0.0, cap=first - 1).verdict is Verdict.UNDECIDED
    assert Strict().decide(-values, margin=0.0).verdict is Verdict.FAIL


@pytest.mark.parametrize("way", EACH)
def test_p_value_is_the_least_alpha_that_passes(way: Way) -> None:
    some = 0
    for seed in range(40):
        values = bell(seed, 600, mean=0.002, spread=0.02)
        p = way.p_value(values, margin=0.004)
        assert 0 < p <= 1
        if 1e-9 < p < 0.9:  # a level nearer to 1 has too few digits
            some += 1
            # neither FAIL nor an earlier look comes between: the other direction is far from settled here
            assert way.decide(values, margin=0.004, level=1 - p * 1.0001).passed
            assert not way.decide(values, margin=0.004, level=1 - p * 0.9999).passed
    assert some > 0


def test_p_values_by_hand() -> None:
    values = bell(1, 300, mean=0.003, spread=0.02)
    parts = [
        2 * j * (j + 1) * stats.ttest_1samp(values[:count], -0.001, alternative="greater").pvalue
        for j, count in ((1, 128), (2, 256))
    ]
    assert Normal().p_value(values, margin=0.001) == pytest.approx(min(1.0, *parts))
    capital = float(np.exp(log_capital(values, -0.001, bounds=(-1, 1))).max())
    assert Strict().p_value(values, margin=0.001) == pytest.approx(min(1.0, 2 / capital))
    assert Normal().p_value(losses(0), margin=0.1) == 1  # skewed: nothing is shown


@pytest.mark.parametrize(
    ("differences", "cap", "reason"),
    [
        (bell(0, 57), 1000, "57 maps, no look yet; next look at 128 maps"),
        (bell(0, 60), 60, "60 maps, the normal way needs 100; not shown within 60 maps"),
        (
            np.zeros(300),
            1000,
            "distinct outcomes: 1, the normal way needs 5: decide the strict way; next look at 512 maps",
        ),
        (losses(0, 128), 128, "decide the strict way; not shown within 128 maps"),
        (bell(0, 128), 1000, "on both sides of 0; next look at 256 maps"),
        (bell(0, 1000), 1000, "points over 1,000 maps, on both sides of 0; not shown within 1,000 maps"),
    ],
)
def test_normal_says_why_it_is_undecided(differences: Maps, cap: int, reason: str) -> None:
    found = Normal().decide(differences, margin=0.0, cap=cap)
    assert found.verdict is Verdict.UNDECIDED
    assert not found.passed
    assert found.reason.endswith(reason)


def test_reasons_of_verdicts_are_in_points() -> None:
    assert Normal().decide(bell(0, mean=0.02), margin=0.01).reason.endswith("points over 128 maps, not below -1")
    assert Normal().decide(bell(0, mean=-0.02), margin=0.005).reason.endswith("over 128 maps, all below -0.5")
    assert Strict().decide(bell(0, 50), margin=0.0).reason.endswith("on both sides of 0; more maps may decide")
    assert Strict().decide(bell(0, 50), margin=0.0, cap=50).reason.endswith("not shown within 50 maps")
    assert "skewed: -0." in Normal().decide(losses(0, 128), margin=0.0).reason


def test_before_the_first_look_nothing_is_known() -> None:
    found = Normal().decide(bell(0, 100), margin=0.0)
    assert (found.low, found.high, found.maps) == (-1, 1, 0)


@pytest.mark.parametrize("way", EACH)
def test_a_network_against_itself(way: Way) -> None:
    """No map differs: t has no say, and a bet passes once the margin allows it."""
    for margin in (0.0, 0.01):
        found = way.decide(np.zeros(1000), margin=margin)
        assert found.passed == (isinstance(way, Strict) and margin > 0)


def test_ways_by_name() -> None:
    assert {name: type(way).__name__.lower() for name, way in WAYS.items()} == {"normal": "normal", "strict": "strict"}


def test_json() -> None:
    found = Normal().decide(bell(0, mean=0.02), margin=0.01)
    assert json.loads(json.dumps(found.to_json())) == {
        "verdict": "PASS",
        "low": found.low,
        "high": found.high,
        "maps": 128,
        "reason": found.reason,
    }


@pytest.mark.parametrize("way", EACH)
def test_bad_input(way: Way) -> None:
    for margin in (1.0, -1.0, 5.0, math.nan):
        with pytest.raises(BadSetting, match=r"margin must lie between -1 and 1, got .*0\.01 is one point"):
            way.decide([0.1], margin=margin)
    with pytest.raises(BadSetting, match="cap must be at least 1 map, got 0"):
        way.decide([0.1], margin=0.0, cap=0)
    with pytest.raises(BadSetting, match="level must lie between 0 and 1"):
        way.decide([0.1], margin=0.0, level=95)
    with pytest.raises(BadData, match="give shares, not points"):
        way.decide([-3.5], margin=0.0)


# Small simulations; reproduce/coverage_of_intervals.py has the large ones. Limits leave room for their noise.


def test_normal_covers_near_normal_maps() -> None:
    counted = [t_interval(bell(seed, 100)).low <= 0 <= t_interval(bell(seed, 100)).high for seed in range(1500)]
    assert 0.93 <= np.mean(counted) <= 0.97


def test_normal_gives_no_verdict_on_skewed_maps() -> None:
    found = [Normal().decide(losses(seed), margin=margin).verdict for seed in range(300) for margin in (0.0, 0.02)]
    assert np.mean([one is not Verdict.UNDECIDED for one in found]) <= 0.01
    # it would have been wrong to trust the interval here
    alone = [t_interval(losses(seed, 100)) for seed in range(600)]
    assert np.mean([one.low <= 0 <= one.high for one in alone]) < 0.93


def test_strict_covers_both_at_every_count() -> None:
    for draw in (bell, losses):
        counted = [betting_interval(draw(seed, 500), bounds=(-1, 1)) for seed in range(200)]
        assert np.mean([one.low <= 0 <= one.high for one in counted]) >= 0.97


@pytest.mark.parametrize("way", EACH)
@pytest.mark.parametrize("draw", [bell, losses])
def test_false_verdicts_at_the_boundary(way: Way, draw: type) -> None:
    count = 1000 if isinstance(way, Normal) else 200
    found = [way.decide(draw(seed), margin=0.0).verdict for seed in range(count)]
    assert np.mean([one is not Verdict.UNDECIDED for one in found]) <= 0.05
    if isinstance(way, Normal) and draw is bell:  # and yet it does decide: α is spent, not hoarded
        assert np.mean([one is not Verdict.UNDECIDED for one in found]) >= 0.015


@pytest.mark.parametrize(("way", "maps"), [(Normal(), 128), (Strict(), 2048)])
def test_power_at_five_points(way: Way, maps: int) -> None:
    for seed in range(50):
        assert way.decide(bell(seed, maps), margin=0.05, cap=maps).verdict is Verdict.PASS
        assert way.decide(bell(seed, maps), margin=-0.05, cap=maps).verdict is Verdict.FAIL
