"""SNNC, advanced: QCFS's network with least-error thresholds, and potentials still to be corrected."""

import pytest

from conversion.methods.hand import X, histogram, plain, seen, starts, thresholds, trained
from spikewright.conversion.calibrators.mean_potential import MeanPotential
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.conversion.methods.snnc_advanced import SnncAdvanced
from spikewright.conversion.thresholds import least_error_threshold

VALUES = ([0.1, 0.4, 0.45, 0.9, 2.0, 0.0], [0.3, 0.2, 3.0])


def test_thresholds_and_start() -> None:
    for source in (plain(), trained()):
        blueprint = SnncAdvanced(timesteps=5)(source, seen(*VALUES))
        expected = [float(least_error_threshold(histogram(taken), 5)) for taken in VALUES]
        assert thresholds(blueprint) == pytest.approx(expected)
        assert starts(blueprint) == [0.5, 0.5]


def test_its_calibrator() -> None:
    assert SnncAdvanced().calibrators == (MeanPotential(),)
    assert not SnncAdvanced().exact
    assert SnncAdvanced().needs_statistics(trained())


def test_by_hand() -> None:
    """As in `test_snnc_light`, but v0 moves: G starts 1/8 lower, at 0, and reaches ½ of its threshold by T = 4."""
    blueprint = Qcfs(timesteps=4)(trained())
    calibrated = MeanPotential()(blueprint, plain(), [X])
    first, second = (node.name for node in blueprint.plan.stages)
    assert calibrated.arrays[f"{first}.initial_potential"].tolist() == [0.125, 0.125, 0]
    # C 3/8 for 1/2, D 1/4 for 1/4, E 0 for 1/4, F 3/8 for nothing, as G is silent now
    assert calibrated.arrays[f"{second}.initial_potential"].tolist() == [0, 0.125, -0.125, 0.5]
