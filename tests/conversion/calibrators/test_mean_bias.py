"""Bias correction against a slow loop, layer by layer, and on networks of every kind by running them anew."""

import numpy as np
import pytest
import torch
from support.converted import captured

from conversion.calibrators.slow import calibrated_slowly, two_hidden_layers
from spikewright.conversion.assemble import with_shift
from spikewright.conversion.calibrators.mean_bias import MeanBias
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.data.preparation import InputPreparation
from spikewright.errors import BadData

MODELS = [
    "conv_bn_relu",
    "bn_after_max_pool",
    "max_pool_of_a_concatenation",
    "resnet",
    "linear_on_the_last_axis",
    "max_pool_1d_behind_a_norm",
]


def _lockstep(currents: np.ndarray, bias: np.ndarray, unit: float) -> np.ndarray:
    """[T, N, features] → spikes; the bias of the window comes evenly, v0 is half a unit."""
    potential = np.full(currents.shape[1:], unit / 2)
    train = []
    for current in currents:
        potential = potential + current + bias / len(currents)
        spikes = (potential >= unit).astype(float)
        potential = potential - spikes * unit
        train.append(spikes)
    return np.stack(train)


def test_like_a_slow_loop() -> None:
    timesteps = 4
    blueprint, source, x, layers = two_hidden_layers(timesteps)
    calibrated = MeanBias()(blueprint, source, [x[:20], x[20:]])
    train = np.repeat(x.double().numpy()[None] / timesteps, timesteps, 0)
    value = x.double().numpy()
    for node, (weight, bias) in zip(blueprint.plan.stages, layers, strict=True):
        value = np.maximum(value @ weight.T + bias, 0)
        unit = float(blueprint.arrays[f"{node.name}.threshold"])
        currents = np.stack([step @ weight.T for step in train])
        codes = _lockstep(currents, bias, unit).sum(0)
        missing = value.mean(0) - unit * codes.mean(0)
        assert np.abs(missing).max() > 0.01
        found = calibrated.arrays[f"{node.name}.bias"].numpy()
        assert np.allclose(found, bias + missing, atol=1e-6)
        train = unit * _lockstep(currents, bias + missing, unit)  # the next layer sees what is mended


@pytest.mark.parametrize("name", MODELS)
def test_each_stage_is_mended_before_the_next(name: str) -> None:
    """Mean over samples and positions of each channel; only biases change."""
    source, x, statistics = captured(name)
    blueprint = Qcfs(timesteps=3)(source, statistics)
    arrays = {key: array.clone() for key, array in blueprint.arrays.items()}

    def mean(value: torch.Tensor) -> torch.Tensor:
        if name == "linear_on_the_last_axis":
            return value.flatten(0, -2).mean(0, keepdim=True)
        channels = value.transpose(0, 1).flatten(1).mean(1)
        return channels.reshape(-1, *(1,) * (value.dim() - 2))

    calibrated = MeanBias()(blueprint, source, [x])
    expected = calibrated_slowly(blueprint, source, x, mean, lambda made, name, gap: with_shift(made, {name: gap}))
    assert calibrated.plan == blueprint.plan
    assert calibrated.arrays.keys() == expected.arrays.keys()
    for key, array in calibrated.arrays.items():
        torch.testing.assert_close(array, expected.arrays[key], rtol=1e-5, atol=1e-6, msg=key)
        if not key.endswith(".bias"):
            assert torch.equal(array, arrays[key])
    assert all(torch.equal(array, arrays[key]) for key, array in blueprint.arrays.items())


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([], "calibration needs at least one input, got none"),
        ([torch.zeros(0, 10)], "calibration needs at least one input, got none"),
        ([torch.zeros(2, 11)], r"inputs have shape \(11,\), the network takes \(10,\)"),
        ([torch.zeros(2, 10, dtype=torch.uint8)], "inputs are torch.uint8, not numbers in floating point"),
        ([torch.full((2, 10), torch.nan)], "a calibration input holds values that are not finite"),
    ],
)
def test_inputs_that_are_refused(batches: list[torch.Tensor], message: str) -> None:
    source, _, statistics = captured("mlp")
    with pytest.raises(BadData, match=message) as caught:
        MeanBias()(Qcfs(timesteps=2)(source, statistics), source, batches)
    assert "\n" not in str(caught.value)


def test_inputs_that_were_not_prepared_are_refused() -> None:
    source, _, statistics = captured("conv_bn_relu")
    blueprint = Qcfs(timesteps=2)(source, statistics)
    prepared = source.with_preparation(InputPreparation(mean=(0.5,) * 3, std=(0.25,) * 3, size=(8, 8), channels=3))
    MeanBias()(blueprint, prepared, [torch.rand(4, 3, 8, 8) * 4 - 2])
    with pytest.raises(BadData, match="inputs run from 0 to 255, the source's own from -2 to 2: prepare them"):
        pixels = torch.cat([torch.zeros(1, 3, 8, 8), torch.full((1, 3, 8, 8), 255.0)])
        MeanBias()(blueprint, prepared, [pixels])


@pytest.mark.parametrize("name", ["conv_bn_relu", "resnet"])
def test_in_slices_as_on_all_inputs_at_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source, x, statistics = captured(name)
    blueprint = Qcfs(timesteps=3)(source, statistics)
    together = MeanBias()(blueprint, source, [x])
    monkeypatch.setattr("spikewright.conversion.calibrators._means.AT_ONCE", 1)  # one input at a time
    seen: list[int] = []
    sliced = MeanBias()(blueprint, source, [x], on_progress=lambda what, done, total, note="": seen.append(done))
    assert seen == list(range(1, len(blueprint.plan.stages) + 1))
    for key, array in sliced.arrays.items():
        torch.testing.assert_close(array, together.arrays[key], rtol=1e-5, atol=1e-6, msg=key)
