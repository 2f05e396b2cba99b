"""Held neurons against loops."""

import numpy as np
import pytest
import torch

from spikewright.reliability.faults._constant_output import ConstantOutput, constant_patch, mask_of
from spikewright.reliability.sites import Neurons, Sites


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.uint8])
def test_spikes_and_values_like_loops(level: int, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    places, shape, images = np.array([0, 4, 5]), (2, 3), np.arange(4)
    stored = ConstantOutput(mask_of(places, shape), level)
    train = torch.randint(0, 2, (5, 4, *shape), generator=generator).to(dtype)
    value = torch.rand(4, *shape, generator=generator)
    expected, other = train.clone(), value.clone()
    for flat, (row, column) in enumerate(np.ndindex(shape)):
        if flat in places:
            for image in range(4):
                other[image, row, column] = level * 2.5
                for t in range(5):
                    expected[t, image, row, column] = level
    before = train.clone()
    found = stored.train(train.transpose(0, 1).contiguous().transpose(0, 1), images)  # whatever the layout
    assert torch.equal(found, expected)
    assert found.dtype == dtype
    assert torch.equal(stored.value(value, images, 2.5), other)
    assert torch.equal(train, before)


def test_a_patch_holds_each_stage_s_own_neurons() -> None:
    sites = Sites(stages=(Neurons(name="a", shape=(2, 2), timesteps=1), Neurons(name="b", shape=(3,), timesteps=1)))
    patch = constant_patch({"a": np.array([3]), "b": np.array([0, 2])}, sites, 1)
    assert patch.hits == 3
    assert not patch.weights
    ones = {
        name: fault.train(torch.zeros(1, 1, 2, 2), np.arange(1)) for name, fault in patch.stages.items() if name == "a"
    }
    assert ones["a"].tolist() == [[[[0, 0], [0, 1]]]]
    assert patch.stages["b"].train(torch.zeros(1, 1, 3), np.arange(1)).tolist() == [[[1, 0, 1]]]
