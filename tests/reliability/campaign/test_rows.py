"""Figures of a campaign against SciPy, fractions and sums written out."""

import json
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from spikewright.reliability.campaign.outcomes import Outcome
from spikewright.reliability.campaign.rows import Row, overall, row_of

IMAGES = 200


def maps(right: list[int]) -> list[Outcome]:
    return [
        Outcome(hits=3 * n, right=each, masked=n, critical=2 * n, harmful=n, healed=n + 1, due=n % 2)
        for n, each in enumerate(right)
    ]


def row(right: list[int], *, golden: float = 0.9, level: float = 0.95, cap: int | None = None) -> Row:
    return row_of("model", maps(right), bits=64, images=IMAGES, golden=golden, level=level, cap=cap)


RIGHT = st.lists(st.integers(0, IMAGES), min_size=2, max_size=40).filter(lambda given: len(set(given)) > 1)


@given(RIGHT, st.sampled_from([0.5, 0.9, 0.95, 0.99]), st.floats(0.01, 1))
def test_one_row_like_scipy(right: list[int], level: float, golden: float) -> None:
    shares = [Fraction(each, IMAGES) for each in right]
    mean = sum(shares) / len(shares)
    low, high = stats.t.interval(level, len(right) - 1, loc=float(mean), scale=stats.sem([float(x) for x in shares]))
    made = row(right, golden=golden, level=level).to_json()
    assert made["accuracy_mean"] == pytest.approx(float(mean))
    assert made["accuracy_low"] == pytest.approx(max(low, 0.0), abs=1e-12)
    assert made["accuracy_high"] == pytest.approx(min(high, 1.0), abs=1e-12)
    for end in ("mean", "low", "high"):
        assert made[f"reliability_{end}"] == made[f"accuracy_{end}"] / golden
    assert made["accuracy_worst"] == min(right) / IMAGES
    assert made["accuracy_q05"] == pytest.approx(_quantile(sorted(right), 0.05) / IMAGES)
    assert made["accuracy_sd"] == pytest.approx(math.sqrt(sum((x - mean) ** 2 for x in shares) / (len(right) - 1)))
    assert made["accuracies"] == [each / IMAGES for each in right]
    assert (made["stratum"], made["bits"], made["maps"]) == ("model", 64, len(right))
    counts, pairs = range(len(right)), IMAGES * len(right)
    assert made["hits_mean"] == pytest.approx(sum(3 * n for n in counts) / len(right))
    assert made["masked"] == sum(counts) / pairs == made["harmful"]
    assert made["critical"] == 2 * sum(counts) / pairs
    assert made["healed"] == sum(n + 1 for n in counts) / pairs
    assert made["due"] == sum(n % 2 for n in counts) / pairs


def _quantile(ordered: list[int], share: float) -> float:
    """Between the neighbours, as far along as the place says."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def test_counts_are_kept_map_by_map() -> None:
    found = row([10, 30, 20])
    assert found.maps == 3
    assert found.accuracies.tolist() == [0.05, 0.15, 0.1]
    assert [x.tolist() for x in (found.hits, found.masked, found.critical, found.harmful, found.healed, found.due)] == [
        [0, 3, 6], [0, 1, 2], [0, 2, 4], [0, 1, 2], [1, 2, 3], [0, 1, 0],
    ]  # fmt: skip


def test_a_network_that_is_never_right_has_no_reliability() -> None:
    made = row([3, 4], golden=0.0).to_json()
    assert [made[f"reliability_{end}"] for end in ("mean", "low", "high")] == [None] * 3
    assert made["accuracy_mean"] == 3.5 / IMAGES
    json.dumps(made, allow_nan=False)


@pytest.mark.parametrize("right", [[150], [0], [IMAGES], [150] * 20, [0] * 128])
def test_maps_that_are_all_alike_still_leave_room(right: list[int]) -> None:
    """A share of 1 − tail^(1/n) of maps may be otherwise, by all that there is room for."""
    made, share = row(right).to_json(), right[0] / IMAGES
    rest = 1 - 0.025 ** (1 / len(right))
    assert made["accuracy_low"] == pytest.approx(share - rest * share)
    assert made["accuracy_high"] == pytest.approx(share + rest * (1 - share))
    assert made["accuracy_sd"] == (None if len(right) == 1 else 0.0)
    json.dumps(made, allow_nan=False)


@given(st.integers(0, 999), st.integers(1, 700), st.sampled_from([100, 300, 1000]))
def test_who_looked_several_times_pays_for_it(seed: int, count: int, cap: int) -> None:
    count = min(count, cap)
    right = np.random.default_rng(seed).integers(100, 200, count).tolist()
    found = row(right, cap=cap)
    looks = [look for look in (128, 256, 512, 1024) if look < cap] + [cap]
    done = [look for look in looks if look <= count]
    level, first = (0.95, right) if not done else (1 - 0.05 / (len(done) * (len(done) + 1)), right[: done[-1]])
    if len(set(first)) > 1:
        values = np.array(first) / IMAGES
        low, high = stats.t.interval(level, len(first) - 1, loc=values.mean(), scale=stats.sem(values))
        assert found.accuracy.low == pytest.approx(max(low, 0.0))
        assert found.accuracy.high == pytest.approx(min(high, 1.0))
    assert found.accuracy.level == 0.95


# All rows together ---------------------------------------------------------------------------------------------


def test_one_row_speaks_for_the_whole() -> None:
    one = row([10, 30, 20])
    assert overall([one], 0.95) == {
        name: value for name, value in one.to_json().items() if name.startswith(("accuracy_", "reliability_"))
    }


@given(st.lists(RIGHT, min_size=2, max_size=5), st.sampled_from([0.8, 0.95]))
def test_rows_count_alike_whatever_their_maps(drawn: list[list[int]], level: float) -> None:
    rows = [row(right, level=level) for right in drawn]
    found = overall(rows, level)
    mean = sum(Fraction(sum(right), IMAGES * len(right)) for right in drawn) / len(drawn)
    assert found["accuracy_mean"] == pytest.approx(float(mean))
    squares = 0.0
    for right in drawn:
        squares += (stats.t.ppf((1 + level) / 2, len(right) - 1) * stats.sem(np.array(right) / IMAGES)) ** 2
    half = math.sqrt(squares) / len(drawn)
    low, high = max(float(mean) - half, 0.0), min(float(mean) + half, 1.0)
    if half * len(drawn) < 1:  # an accuracy is at most 1 away from its mean
        assert found["accuracy_low"] == pytest.approx(low, abs=1e-9)
        assert found["accuracy_high"] == pytest.approx(high, abs=1e-9)
    assert found["accuracy_low"] <= float(mean) <= found["accuracy_high"]
    assert found["reliability_low"] == found["accuracy_low"] / 0.9
    every = sorted(each for right in drawn for each in right)
    assert found["accuracy_worst"] == every[0] / IMAGES
    assert found["accuracy_q05"] == pytest.approx(_quantile(every, 0.05) / IMAGES)
    json.dumps(found, allow_nan=False)


def test_several_looks_are_paid_for_over_all_rows_too() -> None:
    right = np.random.default_rng(0).integers(100, 200, 256).tolist()
    once, looked = (overall([row(right, cap=cap)] * 3, 0.95, cap) for cap in (None, 1000))
    halves = [(found["accuracy_high"] - found["accuracy_low"]) / 2 for found in (once, looked)]
    values = np.array(right) / IMAGES
    for half, level in zip(halves, (0.95, 1 - 0.05 / 6), strict=True):
        expected = stats.t.ppf((1 + level) / 2, 255) * stats.sem(values) / math.sqrt(3)
        assert half == pytest.approx(expected)


def test_an_interval_of_the_whole_covers_as_often_as_it_says() -> None:
    """Three parts of 10 maps each; the mean of their true means is known."""
    draw, inside = np.random.default_rng(5), 0
    for _ in range(400):
        rows = [row(draw.binomial(IMAGES, share, 10).tolist()) for share in (0.3, 0.5, 0.9)]
        found = overall(rows, 0.95)
        inside += found["accuracy_low"] <= 1.7 / 3 <= found["accuracy_high"]
    assert 0.93 <= inside / 400 <= 1
