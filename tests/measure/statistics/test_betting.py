"""Bets against fractions, map by map; the sequence against every mean tried in turn; validity by adding up."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikewright.errors import BadData, BadSetting
from spikewright.measure.statistics.betting import SHARES, STAKES, betting_interval, log_capital
from spikewright.measure.statistics.intervals import SIDES, Side


def by_hand(values: list[Fraction], null: Fraction) -> list[Fraction]:
    """Capital after each map, one gambler a stake, in fractions."""
    purses = [Fraction(float(share)) for share in SHARES]
    after = []
    for value in values:
        purses = [
            purse * (1 + Fraction(float(stake)) * (value - null) / null)
            for purse, stake in zip(purses, STAKES, strict=True)
        ]
        after.append(sum(purses))
    return after


def test_stakes_leave_something_and_shares_are_all_there_is() -> None:
    assert (STAKES > 0).all() and (STAKES < 1).all()
    assert sum(SHARES) == pytest.approx(1, abs=1e-15)
    assert sum(SHARES) <= 1 + 1e-15


@settings(max_examples=30, deadline=None)
@given(st.lists(st.fractions(0, 1, max_denominator=50), min_size=1, max_size=12), st.integers(1, 19))
def test_capital_is_that_of_gamblers_by_hand(values: list[Fraction], twentieth: int) -> None:
    null = Fraction(twentieth, 20)
    expected = [math.log(capital) for capital in by_hand(values, null)]
    assert log_capital([float(v) for v in values], float(null)) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    # the same bet on another scale: points, −100 … 100
    wide = [200 * float(v) - 100 for v in values]
    assert log_capital(wide, 200 * float(null) - 100, bounds=(-100, 100)) == pytest.approx(expected, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("mean", [Fraction(1, 10), Fraction(1, 2), Fraction(3, 4)])
def test_a_fair_bet_is_fair_and_ruin_of_the_null_is_rare(mean: Fraction) -> None:
    """All 2^10 courses of ten maps, 0 or 1: capital stays 1 on average, and ever reaches 1/α with at most α."""
    expected, ever = 0.0, {0.05: 0.0, 0.5: 0.0}
    for course in itertools.product((0, 1), repeat=10):
        probability = float(mean ** sum(course) * (1 - mean) ** (10 - sum(course)))
        capital = np.exp(log_capital(course, float(mean)))
        expected += probability * float(capital[-1])
        for alpha in ever:
            ever[alpha] += probability * bool(capital.max() >= 1 / alpha)
    assert expected == pytest.approx(1)
    assert all(probability <= alpha for alpha, probability in ever.items())
    assert ever[0.5] > 0


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_interval_is_every_mean_not_refuted(side: Side, level: float) -> None:
    values = np.random.default_rng(3).beta(2, 5, 60)
    tail = (1 - level) / (2 if side == "both" else 1)
    means = np.arange(1, 1000) / 1000
    left = [
        m
        for m in means
        if not (side != "high" and math.log(1 / tail) <= log_capital(values, m).max())
        and not (side != "low" and math.log(1 / tail) <= log_capital(1 - values, 1 - m).max())
    ]
    found = betting_interval(values, level=level, side=side)
    assert found.low == (0 if side == "high" else pytest.approx(left[0] - 5e-4, abs=5.1e-4))
    assert found.high == (1 if side == "low" else pytest.approx(left[-1] + 5e-4, abs=5.1e-4))
    assert found.level == level


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=40))
def test_more_maps_never_widen_it(values: list[float]) -> None:
    before, after = betting_interval(values[:-1]), betting_interval(values)
    assert before.low <= after.low
    assert after.high <= before.high
    mirrored = betting_interval([1 - value for value in values])
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx(after[:2], abs=1e-6)


def test_other_ranges_are_the_same_interval_scaled() -> None:
    values = np.random.default_rng(1).normal(0.03, 0.01, 300)
    plain = betting_interval((values + 1) / 2)
    assert betting_interval(values, bounds=(-1, 1))[:2] == pytest.approx((2 * plain.low - 1, 2 * plain.high - 1))


def test_alike_maps_get_a_width_and_extremes_no_crash() -> None:
    same = betting_interval(np.zeros(500), bounds=(-1, 1))
    assert same.low < -0.005 and same.high > 0.005
    assert betting_interval([0.0] * 50)[0] == 0
    assert betting_interval([1.0] * 50)[1] == 1
    assert betting_interval([0.0, 1.0] * 5000).half_width < 0.05


def test_bad_input() -> None:
    with pytest.raises(BadSetting, match="strictly between 0 and 1, got 1"):
        log_capital([0.5], 1.0)
    with pytest.raises(BadData, match="outside 0 … 1"):
        betting_interval([0.5, 2.0])
