"""Planned looks: which counts, what each spends, and when a precision is reached."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from spikewright.errors import BadSetting
from spikewright.measure.statistics.looks import enough, look_level, looks, planned_interval


@pytest.mark.parametrize(
    ("cap", "expected"),
    [
        (1, (1,)),
        (100, (100,)),
        (128, (128,)),
        (129, (128, 129)),
        (1000, (128, 256, 512, 1000)),
        (2048, (128, 256, 512, 1024, 2048)),
    ],
)
def test_counts(cap: int, expected: tuple[int, ...]) -> None:
    assert looks(cap) == expected


@given(st.integers(1, 10**7))
def test_counts_double_and_end_at_the_cap(cap: int) -> None:
    found = looks(cap)
    assert found[-1] == cap
    assert list(found) == sorted(set(found))
    assert all(count == 128 * 2**i for i, count in enumerate(found[:-1]))


def test_looks_together_spend_no_more_than_there_is() -> None:
    spent = [1 - look_level(number, 0.95) for number in range(1, 40)]
    for number, part in enumerate(spent, 1):
        assert part == pytest.approx(float(Fraction(1, 20) / (number * (number + 1))))
    assert sum(spent) == pytest.approx(0.05 * 39 / 40)


def by_hand(values: np.ndarray, precision: float, cap: int) -> bool:
    for j, planned in enumerate([128, 256, 512, 1024]):
        count = min(planned, cap)
        if count > len(values):
            return False
        t = stats.t.ppf(1 - 0.05 / ((j + 1) * (j + 2)) / 2, count - 1)
        if t * values[:count].std(ddof=1) / count**0.5 <= precision:
            return True
    return False


@pytest.mark.parametrize("precision", [0.004, 0.006, 0.01, 0.02])
def test_enough_is_the_t_interval_at_the_looks(precision: float) -> None:
    values = np.random.default_rng(0).normal(0.5, 0.06, 1000)
    found = [enough(values[:maps], precision) for maps in range(1, 1001)]
    assert found == [by_hand(values[:maps], precision, 1000) for maps in range(1, 1001)]
    assert found[:127] == [False] * 127
    assert found == sorted(found)  # once reached, it stays reached
    if any(found):
        assert found.index(True) + 1 in looks(1000)


def test_alike_maps_are_not_enough_at_once() -> None:
    assert not enough(np.full(128, 0.97), 0.01)
    assert enough(np.full(512, 0.97), 0.01)


def test_planned_interval_is_that_of_the_last_look() -> None:
    values = np.random.default_rng(0).normal(0.5, 0.06, 700)
    assert planned_interval(values[:127]) is None
    for maps, count, share in ((128, 128, 0.05 / 2), (300, 256, 0.05 / 6), (700, 512, 0.05 / 12)):
        first = values[:count]
        expected = stats.t.interval(1 - share, count - 1, first.mean(), stats.sem(first))
        found = planned_interval(values[:maps])
        assert found is not None
        assert found[:2] == pytest.approx(expected)
        assert found.level == 0.95


def test_bad_settings() -> None:
    with pytest.raises(BadSetting, match="cap must be at least 1 map, got 0"):
        looks(0)
    with pytest.raises(BadSetting, match=r"precision must be above 0, got 0: 0\.01 is one point"):
        enough([0.5], 0)
    with pytest.raises(BadSetting, match="numbered from 1 on, got 0"):
        look_level(0, 0.95)
