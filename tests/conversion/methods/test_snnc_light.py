"""SNNC, light: QCFS's network with least-error thresholds, and the bias correction still to be applied."""

import numpy as np
import pytest
import torch

from conversion.methods.hand import X, histogram, output, plain, seen, starts, thresholds, trained
from spikewright.ann import interpreter
from spikewright.conversion.calibrators.mean_bias import MeanBias
from spikewright.conversion.convert import convert
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.conversion.methods.snnc_light import SnncLight
from spikewright.conversion.observe import observe
from spikewright.conversion.thresholds import least_error_threshold
from spikewright.engines.network import build

VALUES = ([0.1, 0.4, 0.45, 0.9, 2.0, 0.0], [0.3, 0.2, 3.0])


def test_thresholds_and_start() -> None:
    """What training set is not kept: as the paper has it, data decide."""
    for source in (plain(), trained()):
        blueprint = SnncLight(timesteps=3)(source, seen(*VALUES))
        expected = [float(least_error_threshold(histogram(taken), 3)) for taken in VALUES]
        assert thresholds(blueprint) == pytest.approx(expected)
        assert starts(blueprint) == [0.5, 0.5]
    assert SnncLight().needs_statistics(trained())


def test_before_calibration_it_is_qcfs() -> None:
    one, other = (kind(timesteps=3)(plain(), seen(*VALUES)) for kind in (SnncLight, Qcfs))
    assert one.plan == other.plan
    assert all(bool((array == other.arrays[name]).all()) for name, array in one.arrays.items())


def test_its_calibrator() -> None:
    assert SnncLight().calibrators == (MeanBias(),)
    assert not SnncLight().exact


def test_by_hand() -> None:
    """θ = 1, T = 4, one input: E is worth 0 and emits a spike, F is worth 3/8 and emits one of 1/4.

    First layer: A, B and G emit 3, 1 and 1 of 1/4; only G = 1/8 is off, by −1/8. So its bias falls by that, and it
    receives nothing: F reads 0 spikes. Second layer: C 3/8 for 1/2, D 1/4 for 1/4, E 0 for 1/4, F 3/8 for 0. E still
    reaches 1 in the second step: ½ − 5/4 + 7/4.
    """
    blueprint = Qcfs(timesteps=4)(trained())
    calibrated = MeanBias()(blueprint, plain(), [X])  # the values that are wanted are those of the ReLUs
    first, second = (node.name for node in blueprint.plan.stages)
    assert calibrated.arrays[f"{first}.bias"].tolist() == [0, 0, -0.125]
    assert calibrated.arrays[f"{second}.bias"].tolist() == [0.25 - 0.125, 0, -0.25, 0.375]
    assert output(calibrated) == [0.25, 0.25, 0.25, 0.5]


def test_calibration_brings_the_means_closer() -> None:
    generator = np.random.default_rng(0)
    x = torch.tensor(generator.random((64, 3)), dtype=torch.float32)
    source = plain()
    repaired = convert(source, SnncLight(timesteps=3), [x])
    bare = SnncLight(timesteps=3)(source, observe(source, [x]))
    wanted = interpreter.run(source, x).mean(0)
    far, near = (float((build(made)(x).mean(0) - wanted).abs().mean()) for made in (bare, repaired))
    assert near < 0.7 * far
