"""The diagnostic against SciPy's skewness, and where it says no."""

import math

import numpy as np
import pytest
from scipy import stats

from spikewright.measure.statistics.skewness import MOST, skewed, skewness_of_mean


@pytest.mark.parametrize("maps", [3, 100, 1000])
def test_it_is_scipys_skewness_over_the_root_of_maps(maps: int) -> None:
    values = np.random.default_rng(maps).gamma(2.0, size=maps)
    assert skewness_of_mean(values) == pytest.approx(stats.skew(values) / math.sqrt(maps))
    assert skewness_of_mean(-values) == pytest.approx(-skewness_of_mean(values))
    assert skewness_of_mean(3 * values - 7) == pytest.approx(skewness_of_mean(values))


def test_alike_maps_are_never_near_normal() -> None:
    assert skewness_of_mean([0.4, 0.4]) == math.inf
    assert skewed([0.4])


def test_both_tails_count() -> None:
    values = np.r_[np.zeros(120), -0.3 * np.ones(8)]
    assert skewness_of_mean(values) < -MOST
    assert skewed(values)
    assert skewed(-values)
    assert not skewed(np.linspace(-1, 1, 128))


def test_more_maps_of_the_same_skewness_come_nearer_to_normal() -> None:
    values = np.r_[np.zeros(95), -np.ones(5)]  # skewness −4.1
    assert skewed(np.tile(values, 10))
    assert not skewed(np.tile(values, 20))
