"""Threshold shift by hand: v0 = 0 and θ/(2T) = 1/8 more at every step."""

import pytest

from conversion.methods.hand import plain, starts, thresholds, trained, trains, unit_statistics
from spikewright.conversion.methods.rts import Rts

# A: 7/8, 14/8 fires, 13/8 fires, 12/8 fires.  B: 3/8, 6/8, 9/8 fires, 4/8.  G: ¼, ½, ¾, 1 fires.
FIRST = {"A": [0, 1, 1, 1], "B": [0, 0, 1, 0], "G": [0, 0, 0, 1]}
SECOND = {
    "C": [0, 1, 0, 1],  # currents 3/8, 7/8, −1/8, 7/8
    "D": [0, 1, 0, 0],  # 1/8, 9/8, −7/8, 9/8
    "E": [0, 0, 1, 0],  # 1/8, −7/8, 17/8, −7/8
    "F": [0, 0, 0, 1],  # 1/8, 1/8, 1/8, 25/8
}


def test_by_hand() -> None:
    assert trains(Rts(timesteps=4)(trained())) == [FIRST, SECOND]
    assert trains(Rts(timesteps=4)(plain(), unit_statistics())) == [FIRST, SECOND]


def test_half_a_unit_over_the_window() -> None:
    blueprint = Rts(timesteps=5)(trained(threshold=0.75))
    assert starts(blueprint) == [0, 0]
    assert thresholds(blueprint) == pytest.approx([0.75, 0.75])
    first, second = (blueprint.arrays[f"{node.name}.bias"].tolist() for node in blueprint.plan.stages)
    assert first == pytest.approx([0.75 / 10] * 3)
    assert second == pytest.approx([0.25 + 0.75 / 10] + [0.75 / 10] * 3)
    assert not Rts().exact
    assert not Rts().needs_statistics(trained())
