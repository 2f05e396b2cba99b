"""Max norm by hand: v0 = 0, soft reset, the largest activation as threshold."""

import pytest

from conversion.methods.hand import JUST_ONE, capped, plain, seen, starts, thresholds, trained, trains
from spikewright.conversion.methods.max_norm import MaxNorm
from spikewright.errors import BadSetting

# A: ¾, 3/2 fires, 5/4 fires, 1 fires.  B: ¼, ½, ¾, 1 fires.  G reaches ½.
FIRST = {"A": [0, 1, 1, 1], "B": [0, 0, 0, 1], "G": [0, 0, 0, 0]}
SECOND = {
    "C": [0, 1, 0, 0],  # currents 1/4, 3/4, 3/4, −1/4
    "D": [0, 1, 1, 0],  # 0, 1, 1, −1
    "E": [0, 0, 0, 0],  # 0, −1, −1, 2
    "F": [0, 0, 0, 0],
}


def test_by_hand() -> None:
    assert trains(MaxNorm(timesteps=4)(plain(), seen(JUST_ONE, JUST_ONE))) == [FIRST, SECOND]


def test_thresholds_and_start() -> None:
    """The largest activation, and not what training set."""
    blueprint = MaxNorm(timesteps=7)(plain(), seen([0.1, 0.4, 2.0], [0.3, 3.0, 0.2]))
    assert thresholds(blueprint) == pytest.approx([2.0, 3.0])
    assert thresholds(MaxNorm()(trained(), seen([0.1, 0.4], [0.3, 0.2]))) == pytest.approx([0.4, 0.3])
    assert starts(blueprint) == [0, 0]
    assert not MaxNorm().exact
    assert MaxNorm().needs_statistics(trained())
    assert MaxNorm().calibrators == ()


def test_no_threshold_is_above_a_cap() -> None:
    """A value that was seen above it, in a bin's width or before the ReLU6, is never an activation's."""
    assert thresholds(MaxNorm()(capped(), seen([0.1, 9.0], [0.2, 5.0]))) == pytest.approx([6.0, 5.0])
    assert thresholds(MaxNorm()(capped(0.5), seen([0.1, 0.4], [0.2, 0.6]))) == pytest.approx([0.4, 0.5])


def test_refusals() -> None:
    with pytest.raises(BadSetting, match="timesteps must be in"):
        MaxNorm(timesteps=0)
    with pytest.raises(BadSetting, match="gets its threshold from data: give calibration inputs"):
        MaxNorm()(trained())
