"""Sample sizes against the formula in fractions, allocations against every other allocation there is."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikewright.errors import BadSetting
from spikewright.measure.statistics.sample_size import leveugle, neyman, pilot_deviation


def by_hand(population: int, error: Fraction, t: Fraction, share: Fraction) -> int:
    return math.ceil(population / (1 + error**2 * (population - 1) / (t**2 * share * (1 - share))))


@pytest.mark.parametrize(
    ("level", "t"),
    [(0.9, Fraction(1644854, 10**6)), (0.95, Fraction(1959964, 10**6)), (0.99, Fraction(2575829, 10**6))],
)
@pytest.mark.parametrize("population", [1, 37, 5_000, 920_064])
@pytest.mark.parametrize("error", [Fraction(1, 100), Fraction(1, 20)])
def test_leveugle(population: int, error: Fraction, level: float, t: Fraction) -> None:
    for share in (Fraction(1, 2), Fraction(1, 10)):
        found = leveugle(population, float(error), level=level, share=float(share))
        assert found == by_hand(population, error, t, share)


def test_a_small_networks_bits() -> None:
    assert leveugle(920_064, 0.01) == 9505


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"population": 0, "error": 0.01}, "population must be at least 1 fault, got 0"),
        ({"population": 10, "error": 1.0}, "error must lie between 0 and 1, got 1"),
        ({"population": 10, "error": 0.01, "share": 0.0}, "share must lie between 0 and 1, got 0"),
    ],
)
def test_bad_sizes(settings: dict[str, float], message: str) -> None:
    with pytest.raises(BadSetting, match=message):
        leveugle(**settings)  # type: ignore[arg-type]


def test_a_pilot_without_hits_is_not_certain() -> None:
    found = pilot_deviation([0, 5, 10], [10, 10, 10])
    expected = [math.sqrt(p * (1 - p)) for p in (1 / 12, 6 / 12, 11 / 12)]
    assert found == pytest.approx(expected)
    with pytest.raises(BadSetting, match="hits between 0 and the trials"):
        pilot_deviation([3], [2])


def variance(sizes: tuple[int, ...], deviations: tuple[int, ...], given_: tuple[int, ...]) -> Fraction:
    """Of the estimated sum of the population, but for a part that no allocation changes."""
    return sum((Fraction(n * s) ** 2 / k for n, s, k in zip(sizes, deviations, given_, strict=True)), start=Fraction(0))


strata = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 4)), min_size=1, max_size=4)


@settings(max_examples=150, deadline=None)
@given(strata, st.integers(1, 3), st.data())
def test_no_other_allocation_is_better(strata: list[tuple[int, int]], least: int, data: st.DataObject) -> None:
    sizes, deviations = tuple(n for n, _ in strata), tuple(s for _, s in strata)
    floor = [min(least, n) for n in sizes]
    total = data.draw(st.integers(sum(floor), sum(sizes)))
    found = tuple(neyman(sizes, deviations, total, least=least).tolist())
    assert sum(found) == total
    assert all(low <= k <= n for low, k, n in zip(floor, found, sizes, strict=True))
    others = itertools.product(*(range(low, n + 1) for low, n in zip(floor, sizes, strict=True)))
    best = min(variance(sizes, deviations, other) for other in others if sum(other) == total)
    assert float(variance(sizes, deviations, found)) == pytest.approx(float(best), rel=1e-12)


def test_large_strata_get_parts_in_proportion_and_small_ones_all() -> None:
    sizes, deviations = np.array([400_000, 200_000, 8, 100_000]), np.array([0.1, 0.3, 0.5, 0.0])
    found = neyman(sizes, deviations, 10_000)
    assert found.sum() == 10_000
    assert found[2] in (2, 8)  # its part is below its size or all of it
    assert found[3] == 2
    assert found[1] / found[0] == pytest.approx(200_000 * 0.3 / (400_000 * 0.1), rel=1e-3)
    # a small stratum that varies more than anything is enumerated
    assert neyman([100, 10], [0.01, 0.5], 50).tolist() == [40, 10]


def test_where_nothing_varies_sizes_decide() -> None:
    assert neyman([300, 100], [0.0, 0.0], 40).tolist() == [30, 10]
    assert neyman([5, 5, 5], [0.0, 0.0, 1.0], 10).tolist() == [3, 2, 5]


@pytest.mark.parametrize(
    ("sizes", "deviations", "total", "message"),
    [
        ([], [], 0, "at least one"),
        ([5], [0.1, 0.2], 3, "one size and one deviation"),
        ([0], [0.1], 0, "sizes and least must be at least 1"),
        ([5], [float("nan")], 3, "deviations finite"),
        ([5], [-0.1], 3, "deviations finite and 0 or more"),
        ([5, 5], [0.1, 0.1], 3, "3 faults do not go into 2 strata: give at least 4 and at most 10"),
        ([5, 5], [0.1, 0.1], 11, "11 faults do not go into 2 strata"),
    ],
)
def test_bad_strata(sizes: list[int], deviations: list[float], total: int, message: str) -> None:
    with pytest.raises(BadSetting, match=message):
        neyman(sizes, deviations, total)
