"""Correction of initial potentials against a slow loop, layer by layer, and on networks of every kind."""

import numpy as np
import pytest
import torch
from support.converted import captured
from torch import Tensor

from conversion.calibrators.slow import calibrated_slowly, two_hidden_layers
from spikewright.conversion.calibrators.mean_potential import MeanPotential
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.engines.network import build
from spikewright.snn.blueprint import Blueprint

MODELS = ["conv_bn_relu", "bn_after_max_pool", "max_pool_of_a_concatenation", "resnet", "linear_then_max_pool_1d"]


def _lockstep(currents: np.ndarray, start: np.ndarray, unit: float) -> np.ndarray:
    """The classical scale: [T, N, features], each step's whole current, threshold θ = T · unit."""
    threshold = unit * len(currents)
    potential = np.broadcast_to(start, currents.shape[1:])
    train = []
    for current in currents:
        potential = potential + current
        spikes = (potential >= threshold).astype(float)
        potential = potential - spikes * threshold
        train.append(spikes)
    return np.stack(train)


def test_like_a_slow_loop_in_the_classical_scale() -> None:
    """There v0 grows by T · (mean of the source − mean output), and outputs are means over steps, of θ each."""
    timesteps = 4
    blueprint, source, x, layers = two_hidden_layers(timesteps)
    calibrated = MeanPotential()(blueprint, source, [x[:20], x[20:]])
    train = np.repeat(x.double().numpy()[None], timesteps, 0)
    value = x.double().numpy()
    for node, (weight, bias) in zip(blueprint.plan.stages, layers, strict=True):
        value = np.maximum(value @ weight.T + bias, 0)
        unit = float(blueprint.arrays[f"{node.name}.threshold"])
        threshold = unit * timesteps
        currents = np.stack([step @ weight.T + bias for step in train])
        output = threshold * _lockstep(currents, np.full(len(bias), threshold / 2), unit).mean(0)
        start = threshold / 2 + timesteps * (value - output).mean(0)
        found = calibrated.arrays[f"{node.name}.initial_potential"].numpy() * timesteps
        assert np.abs(start - threshold / 2).max() > 0.01
        assert np.allclose(found, start, atol=1e-5)
        train = threshold * _lockstep(currents, start, unit)


@pytest.mark.parametrize("name", MODELS)
def test_each_stage_is_mended_before_the_next(name: str) -> None:
    """One potential a neuron, behind max pools too; nothing else changes."""
    source, x, statistics = captured(name)
    blueprint = Qcfs(timesteps=3)(source, statistics)
    arrays = {key: array.clone() for key, array in blueprint.arrays.items()}

    def repair(made: Blueprint, stage: str, gap: Tensor) -> Blueprint:
        key = f"{stage}.initial_potential"
        return Blueprint(made.plan, {**made.arrays, key: made.arrays[key] + gap})

    calibrated = MeanPotential()(blueprint, source, [x])
    expected = calibrated_slowly(blueprint, source, x, lambda value: value.mean(0), repair)
    assert calibrated.plan == blueprint.plan
    for node in blueprint.plan.stages:
        assert calibrated.arrays[f"{node.name}.initial_potential"].shape == node.shape
    for key, array in calibrated.arrays.items():
        torch.testing.assert_close(array, expected.arrays[key], rtol=1e-5, atol=1e-6, msg=key)
        if not key.endswith(".initial_potential"):
            assert torch.equal(array, arrays[key])
    assert all(torch.equal(array, arrays[key]) for key, array in blueprint.arrays.items())


def test_what_leaves_the_unit_runs_its_loop() -> None:
    source, x, statistics = captured("conv_bn_relu")
    blueprint = Qcfs(timesteps=3)(source, statistics)
    assert build(blueprint).program.closed
    calibrated = MeanPotential()(blueprint, source, [x * 6])  # far above what the thresholds were chosen for
    first = calibrated.plan.stages[0].name
    start, unit = (calibrated.arrays[f"{first}.{role}"] for role in ("initial_potential", "threshold"))
    assert not bool(((start >= 0) & (start < unit)).all())
    network = build(calibrated, dtype=torch.float64)
    assert first not in network.program.closed
    for slow, fast in zip(network.walk(x.double()), network.collapse(x.double()), strict=True):
        torch.testing.assert_close(slow.codes, fast.codes, rtol=1e-12, atol=1e-12)
