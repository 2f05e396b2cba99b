"""Intervals against SciPy's, and against fractions and counting where they are exact."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from spikewright.errors import BadData, BadSetting
from spikewright.measure.statistics.intervals import SIDES, Side, clopper_pearson, t_interval, t_p_value, wilson

LEVELS = (0.5, 0.9, 0.95, 0.999)
ALTERNATIVES = {"both": "two-sided", "low": "greater", "high": "less"}  # SciPy's names for which end is bounded


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("maps", [2, 3, 20, 500])
@pytest.mark.parametrize("side", SIDES)
def test_t_is_scipys(maps: int, level: float, side: Side) -> None:
    values = np.random.default_rng(maps).normal(0.8, 0.05, maps)
    expected = stats.ttest_1samp(values, 0, alternative=ALTERNATIVES[side]).confidence_interval(level)
    found = t_interval(values, level=level, side=side)
    assert found[:2] == pytest.approx((expected.low, expected.high), rel=1e-12)
    assert found.level == level
    if side == "both":
        inside = stats.t.interval(level, maps - 1, values.mean(), stats.sem(values))
        assert found[:2] == pytest.approx(inside, rel=1e-12)
        assert found.half_width == pytest.approx((inside[1] - inside[0]) / 2)


@pytest.mark.parametrize("null", [0.75, 0.8, 0.83])
def test_t_p_value_is_scipys(null: float) -> None:
    values = np.random.default_rng(0).normal(0.8, 0.05, 30)
    assert t_p_value(values, null) == pytest.approx(stats.ttest_1samp(values, null, alternative="greater").pvalue)


def test_t_stays_inside_its_bounds() -> None:
    values = [0.99, 1.0, 0.9]
    assert t_interval(values).high > 1
    assert t_interval(values, bounds=(0, 1)).high == 1
    assert t_interval(values, bounds=(0, 1)).low == t_interval(values).low
    assert t_interval(values, side="low", bounds=(0, 1)).high == 1
    assert t_interval(values, side="high", bounds=(0, 1)).low == 0


@pytest.mark.parametrize("values", [[0.3], [0.3, 0.3, 0.3]])
def test_alike_maps_show_nothing_without_bounds(values: list[float]) -> None:
    assert t_interval(values)[:2] == (-math.inf, math.inf)
    assert t_interval(values, side="low")[:2] == (-math.inf, math.inf)
    assert t_p_value(values, 0.0) == 1


def test_alike_maps_with_bounds_are_the_rule_of_three() -> None:
    found = t_interval([1.0] * 100, side="low", bounds=(0, 1))
    assert found.low == pytest.approx(0.05 ** (1 / 100))
    assert found.low == pytest.approx(1 - 3 / 100, abs=1e-3)
    # all maps the same has the probability (1 − q)^n where a share q differs: the end is where that is the tail
    assert found.low == pytest.approx(clopper_pearson(100, 100, side="low").low)
    assert t_interval([0.9 - 0.8, 0.8 - 0.7], bounds=(-1, 1)).half_width > 0.8


@pytest.mark.parametrize("maps", [1, 2, 3, 6, 10])
def test_alike_maps_cover_whatever_the_distribution(maps: int) -> None:
    """All distributions on five values, in steps of a tenth: the mean is missed by samples alike with at most α."""
    grid, worst = [0, Fraction(1, 20), Fraction(1, 4), Fraction(3, 4), 1], Fraction(0)
    missed = {float(c): t_interval([float(c)] * maps, bounds=(0, 1)) for c in grid}
    for parts in itertools.product(range(11), repeat=4):
        if sum(parts) > 10:
            continue
        shares = [Fraction(part, 10) for part in (*parts, 10 - sum(parts))]
        mean = sum(c * share for c, share in zip(grid, shares, strict=True))
        misses = sum(
            share**maps
            for c, share in zip(grid, shares, strict=True)
            if not missed[float(c)].low <= mean <= missed[float(c)].high
        )
        worst = max(worst, Fraction(misses))
    assert worst <= Fraction(1, 20)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("hits", "trials"), [(0, 1), (1, 1), (0, 50), (3, 50), (50, 50), (4000, 9505)])
def test_shares_are_scipys(hits: int, trials: int, side: Side, level: float) -> None:
    test = stats.binomtest(hits, trials, alternative=ALTERNATIVES[side])
    exact, score = test.proportion_ci(level, "exact"), test.proportion_ci(level, "wilson")
    assert clopper_pearson(hits, trials, level=level, side=side)[:2] == pytest.approx(tuple(exact), rel=1e-9, abs=1e-15)
    assert wilson(hits, trials, level=level, side=side)[:2] == pytest.approx(tuple(score), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("trials", [1, 5, 12])
def test_clopper_pearson_covers_every_share(trials: int) -> None:
    """By adding up fractions: the hits whose interval misses a share have at most α of its probability."""
    found = [clopper_pearson(hits, trials) for hits in range(trials + 1)]
    for share in [Fraction(i, 60) for i in range(61)]:
        misses = sum(
            math.comb(trials, hits) * share**hits * (1 - share) ** (trials - hits)
            for hits, one in enumerate(found)
            if not one.low <= share <= one.high
        )
        assert misses <= Fraction(1, 20)


@given(st.integers(1, 10**6), st.floats(0, 1), st.sampled_from(LEVELS), st.sampled_from(SIDES))
def test_shares_lie_inside(trials: int, share: float, level: float, side: Side) -> None:
    hits = round(share * trials)
    for found in (clopper_pearson(hits, trials, level=level, side=side), wilson(hits, trials, level=level, side=side)):
        assert 0 <= found.low <= hits / trials + 1e-12
        assert hits / trials - 1e-12 <= found.high <= 1


def test_no_trials_say_nothing() -> None:
    assert clopper_pearson(0, 0)[:2] == (0, 1)
    assert wilson(0, 0)[:2] == (0, 1)


@pytest.mark.parametrize("make", [clopper_pearson, wilson])
def test_bad_hits(make: type) -> None:
    for hits, trials in ((-1, 5), (6, 5)):
        with pytest.raises(BadData, match="hits must lie between 0 and the trials"):
            make(hits, trials)


def test_bad_settings() -> None:
    with pytest.raises(BadSetting, match="no side 'left' of an interval: choose among both, low, high"):
        t_interval([0.1, 0.2], side="left")  # type: ignore[arg-type]
    with pytest.raises(BadSetting, match="level must lie between 0 and 1, got 95"):
        wilson(1, 2, level=95)
