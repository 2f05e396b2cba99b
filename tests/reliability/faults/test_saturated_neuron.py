"""Neurons that always fire, against lists drawn from the same stream."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reliability.faults.sites import STAGES, neurons_of
from reliability.faults.slow import SlowDraw
from spikewright.errors import BadSetting
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults.saturated_neuron import SaturatedNeuron
from spikewright.snn.code import Code
from spikewright.snn.trains import decode

LEVEL = 1


@given(st.sampled_from([0.0, 0.2, 1.0]), st.integers(0, 2**40))
def test_struck_neurons_like_a_list(rate: float, number: int) -> None:
    every, images = neurons_of(STAGES), np.arange(2)
    faulty = [every[index] for index in SlowDraw(5, "model", number).hits(len(every), rate)]
    patch = SaturatedNeuron(rate=rate).patch(STAGES, Draw(5, "model", number))
    assert patch.hits == len(faulty)
    assert set(patch.stages) == {name for name, _ in faulty}
    for stage in STAGES.stages:
        train = torch.randint(0, 2, (4, 2, *stage.shape), generator=torch.Generator().manual_seed(number % 2**30))
        value = train[0].double() * 3
        if stage.name not in patch.stages:
            continue
        fault = patch.stages[stage.name]
        found = fault.train(train.float(), images).flatten(2)
        other = fault.value(value, images, 9.0).flatten(1)
        for flat in range(found.shape[2]):
            if (stage.name, flat) in faulty:
                assert bool((found[:, :, flat] == LEVEL).all())
                assert bool((other[:, flat] == LEVEL * 9).all())
            else:
                assert torch.equal(found[:, :, flat], train.flatten(2)[:, :, flat].float())
                assert torch.equal(other[:, flat], value.flatten(1)[:, flat])


@pytest.mark.parametrize("code", [Code.rate(3), Code.bit_planes(3), Code.for_levels(5)])
def test_the_code_that_readers_see(code: Code) -> None:
    patch = SaturatedNeuron(rate=1.0).patch(STAGES, Draw(0, "model", 0))
    train = torch.randint(0, 2, (3, 5, 7), generator=torch.Generator().manual_seed(1)).float()
    assert bool((decode(patch.stages["fc"].train(train, np.arange(5)), code) == LEVEL * code.levels).all())


def test_a_fixed_number() -> None:
    for number in range(20):
        patch = SaturatedNeuron(count=4).patch(STAGES, Draw(0, "model", number))
        changed = sum(
            int((fault.train(torch.full((1, 1, *stage.shape), 1.0 - LEVEL), np.arange(1)) == LEVEL).sum())
            for stage in STAGES.stages
            if (fault := patch.stages.get(stage.name)) is not None
        )
        assert changed == patch.hits == 4


def test_bad_settings_are_named() -> None:
    with pytest.raises(BadSetting, match=r"^saturated_neuron: give one of rate"):
        SaturatedNeuron()
    with pytest.raises(BadSetting, match="saturated_neuron: rate is 2"):
        SaturatedNeuron(rate=2.0)
