"""Reset to zero by hand: what lies above a threshold is lost."""

import pytest

from conversion.methods.hand import plain, starts, trains, unit_statistics
from spikewright.conversion.methods.hard_reset import HardReset
from spikewright.conversion.methods.percentile_norm import PercentileNorm
from spikewright.errors import BadSetting

# A: ¾, 3/2 fires, ¾, 3/2 fires, where soft reset fires three times.  B: ¼, ½, ¾, 1 fires.
FIRST = {"A": [0, 1, 0, 1], "B": [0, 0, 0, 1], "G": [0, 0, 0, 0]}
SECOND = {
    "C": [0, 1, 0, 0],  # currents 1/4, 3/4, 1/4, −1/4
    "D": [0, 1, 0, 0],  # 0, 1, 0, −1
    "E": [0, 0, 0, 1],  # 0, −1, 0, 2: from −1 it reaches 1
    "F": [0, 0, 0, 0],
}


def test_by_hand() -> None:
    assert trains(HardReset(timesteps=4)(plain(), unit_statistics())) == [FIRST, SECOND]


def test_thresholds_and_start_are_those_of_percentile_norm() -> None:
    one, other = (kind(timesteps=5)(plain(), unit_statistics()) for kind in (HardReset, PercentileNorm))
    assert all(bool((array == other.arrays[name]).all()) for name, array in one.arrays.items())
    assert starts(one) == [0, 0]
    assert {node.firing.law.kind for node in one.plan.stages} == {"hard_reset"}
    assert not HardReset().exact


def test_refusals() -> None:
    with pytest.raises(BadSetting, match="percentile must be"):
        HardReset(percentile=101)
