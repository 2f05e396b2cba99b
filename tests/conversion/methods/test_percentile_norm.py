"""Percentile norm by hand: max norm with another threshold."""

import numpy as np
import pytest

from conversion.methods import test_max_norm
from conversion.methods.hand import capped, plain, seen, starts, thresholds, trained, trains, unit_statistics
from spikewright.conversion.methods.percentile_norm import PercentileNorm
from spikewright.errors import BadSetting


def test_by_hand() -> None:
    found = trains(PercentileNorm(timesteps=4)(plain(), unit_statistics()))
    assert found == [test_max_norm.FIRST, test_max_norm.SECOND]


@pytest.mark.parametrize("percentile", [50.0, 90.0, 99.9, 100.0])
def test_thresholds(percentile: float) -> None:
    """Zeros count. A histogram has bins, which move a value by half of one at most."""
    generator = np.random.default_rng(0)
    values = [np.maximum(generator.normal(size=2000), 0).tolist(), generator.random(3000).tolist()]
    blueprint = PercentileNorm(timesteps=5, percentile=percentile)(plain(), seen(*values))
    for found, taken in zip(thresholds(blueprint), values, strict=True):
        ordered = sorted(taken)
        expected = ordered[max(int(np.ceil(percentile / 100 * len(ordered))) - 1, 0)]
        if expected:
            assert found == pytest.approx(expected, abs=max(taken) / 2048)
        else:
            assert 0 < found < max(taken) / 500  # half of all are zeros: the least there is
    assert starts(blueprint) == [0, 0]


def test_what_training_set_is_not_kept() -> None:
    assert thresholds(PercentileNorm()(trained(), seen([0.5] * 9, [0.25] * 9))) == pytest.approx([0.5, 0.25], rel=1e-3)
    assert PercentileNorm().needs_statistics(trained())
    assert not PercentileNorm().exact


def test_no_threshold_is_above_a_cap() -> None:
    values = np.linspace(0.01, 10, 1000).tolist()
    found = thresholds(PercentileNorm(percentile=90.0)(capped(), seen(values, [value / 2 for value in values])))
    assert found == pytest.approx([6.0, 4.5], rel=1e-2)
    assert found[0] == 6.0


def test_refusals() -> None:
    with pytest.raises(BadSetting, match="percentile must be above 0 and at most 100, got 0"):
        PercentileNorm(percentile=0)
    with pytest.raises(BadSetting, match="timesteps must be in"):
        PercentileNorm(timesteps=-2)
