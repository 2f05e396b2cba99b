"""The estimate over strata against loops, against one stratum's own intervals, and by counting every sample."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from spikewright.errors import BadData
from spikewright.measure.statistics.intervals import clopper_pearson, wilson
from spikewright.measure.statistics.stratified import stratified_estimate


def test_one_stratum_far_from_enumerated_is_simple_sampling() -> None:
    for hits in (0, 3, 40):
        found = stratified_estimate([10**12], [40], [hits])
        assert found.share == hits / 40
        assert found.shown[:2] == pytest.approx(wilson(hits, 40)[:2], abs=1e-9)
        assert found.claimed[:2] == pytest.approx(clopper_pearson(hits, 40)[:2], abs=1e-12)


def test_by_loops() -> None:
    sizes, trials, hits = [500, 300, 40], [50, 100, 40], [5, 0, 13]
    found = stratified_estimate(sizes, trials, hits, level=0.9)
    share = variance = smooth = low = high = 0.0
    for size, tried, hit in zip(sizes, trials, hits, strict=True):
        weight, p = size / 840, (hit + 1) / (tried + 2)
        share += weight * hit / tried
        smooth += weight * p
        variance += weight**2 * (1 - tried / size) * p * (1 - p) / tried
        exact = stats.binomtest(hit, tried).proportion_ci(0.95)  # two strata share the misses of 10 %
        low += weight * (exact.low if tried < size else hit / tried)
        high += weight * (exact.high if tried < size else hit / tried)
    worth = smooth * (1 - smooth) / variance
    z = stats.norm.ppf(0.95)
    # Wilson: the shares p with (share − p)² <= z² p (1 − p) / worth
    a, b, c = 1 + z * z / worth, -(2 * share + z * z / worth), share * share
    roots = [(-b + sign * math.sqrt(b * b - 4 * a * c)) / (2 * a) for sign in (-1, 1)]
    assert found.share == pytest.approx(share)
    assert found.shown[:2] == pytest.approx(roots)
    assert found.claimed[:2] == pytest.approx((low, high))
    assert found.shown.level == found.claimed.level == 0.9


def test_enumerated_is_known() -> None:
    found = stratified_estimate([4, 6], [4, 6], [1, 3])
    assert found.share == pytest.approx(0.4)
    for interval in (found.shown, found.claimed):
        assert interval[:2] == pytest.approx((0.4, 0.4))


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=6))
def test_intervals_hold_the_share_and_lie_inside(strata: list[tuple[int, float, float]]) -> None:
    sizes = [size for size, _, _ in strata]
    trials = [max(1, round(part * size)) for size, part, _ in strata]
    hits = [round(part * tried) for tried, (_, _, part) in zip(trials, strata, strict=True)]
    found = stratified_estimate(sizes, trials, hits)
    for interval in (found.shown, found.claimed):
        assert -1e-12 <= interval.low <= found.share + 1e-12
        assert found.share - 1e-12 <= interval.high <= 1 + 1e-12


@pytest.mark.parametrize("true", [(0, 1), (2, 1), (3, 5), (10, 6)])
def test_coverage_by_counting_every_sample(true: tuple[int, int]) -> None:
    """Two strata of 12 and 8 faults, 5 and 4 drawn without replacement: all outcomes with their probabilities."""
    sizes, trials = (12, 8), (5, 4)
    share = sum(true) / 20
    claimed = shown = 0.0
    for hits in itertools.product(range(6), range(5)):
        probability = 1.0
        for size, tried, there, hit in zip(sizes, trials, true, hits, strict=True):
            probability *= math.comb(there, hit) * math.comb(size - there, tried - hit) / math.comb(size, tried)
        if not probability:
            continue
        found = stratified_estimate(sizes, trials, hits)
        claimed += probability * (found.claimed.low <= share <= found.claimed.high)
        shown += probability * (found.shown.low <= share <= found.shown.high)
    assert claimed >= 0.95
    assert shown >= 0.85


def test_coverage_over_layers_and_bits() -> None:
    """Forty strata, few hits outside the top bits, as single bit flips have it."""
    generator = np.random.default_rng(0)
    sizes = np.repeat([100_000, 8_000, 4_000, 2_000, 300], 8)
    rates = np.tile([0.0, 0.0, 0.0, 0.001, 0.002, 0.01, 0.05, 0.1], 5)
    there = np.round(sizes * rates).astype(np.int64)
    trials = np.minimum(np.maximum(30, sizes // 300), sizes)
    share, shown, claimed = there.sum() / sizes.sum(), [], []
    for _ in range(1000):
        hits = generator.hypergeometric(there, sizes - there, trials)
        found = stratified_estimate(sizes, trials, hits)
        shown.append(found.shown.low <= share <= found.shown.high)
        claimed.append(found.claimed.low <= share <= found.claimed.high)
    assert np.mean(claimed) == 1
    assert 0.93 <= np.mean(shown) <= 0.98


@pytest.mark.parametrize(
    ("sizes", "trials", "hits", "message"),
    [
        ([], [], [], "one size, one number of trials and one of hits"),
        ([5], [3, 2], [1], "one size, one number of trials"),
        ([5, 5], [3, 3], [1, 4], "stratum 1: 4 hits of 3 trials among 5 faults"),
        ([5], [6], [1], "stratum 0: 1 hits of 6 trials among 5 faults"),
        ([5], [0], [0], "one trial at least"),
    ],
)
def test_bad_strata(sizes: list[int], trials: list[int], hits: list[int], message: str) -> None:
    with pytest.raises(BadData, match=message):
        stratified_estimate(sizes, trials, hits)
