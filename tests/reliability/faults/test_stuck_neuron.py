"""Neurons that stick, against loops drawn from the same stream."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reliability.faults.sites import STAGES, neurons_of
from reliability.faults.slow import SlowDraw
from spikewright.errors import BadSetting
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults.stuck_neuron import StuckNeuron
from spikewright.reliability.sites import Neurons, Sites


@given(st.sampled_from([0.0, 0.3, 1.0]), st.integers(1, 6), st.integers(0, 2**40))
def test_stuck_neurons_like_loops(rate: float, steps: int, number: int) -> None:
    every, images = neurons_of(STAGES), np.arange(3)
    slow = SlowDraw(5, "model", number)
    faulty = [every[index] for index in slow.hits(len(every), rate)]
    when = dict(zip(faulty, slow.uniforms(len(faulty)), strict=True))  # stage by stage, as neurons are numbered
    patch = StuckNeuron(rate=rate).patch(STAGES, Draw(5, "model", number))
    assert patch.hits == len(faulty)
    assert set(patch.stages) == {name for name, _ in faulty}
    for stage in STAGES.stages:
        if stage.name not in patch.stages:
            continue
        train = torch.randint(0, 2, (steps, 3, *stage.shape), generator=torch.Generator().manual_seed(0)).float()
        expected = train.flatten(2).clone()
        for flat in range(expected.shape[2]):
            if (stage.name, flat) in when:
                stuck_from = int(when[stage.name, flat] * steps)
                for t in range(stuck_from + 1, steps):
                    expected[t, :, flat] = expected[stuck_from, :, flat]
        found = patch.stages[stage.name].train(train, images)
        assert torch.equal(found.flatten(2), expected)
        assert found.shape == train.shape


def test_the_step_is_even_over_the_steps() -> None:
    """A train that spikes at its step of the count tells where each neuron stuck: the value it keeps."""
    sites = Sites(stages=(Neurons(name="a", shape=(6000,), timesteps=6),))
    clock = torch.arange(6.0).reshape(6, 1, 1).expand(6, 1, 6000)
    last = StuckNeuron(rate=1.0).patch(sites, Draw(2, "m", 0)).stages["a"].train(clock, np.arange(1))[-1, 0]
    assert stats.chisquare(np.bincount(last.int().numpy(), minlength=6)).pvalue > 1e-3


def test_one_step_cannot_stick() -> None:
    assert not StuckNeuron(count=1).ordinary
    train = torch.randint(0, 2, (1, 4, 7), generator=torch.Generator().manual_seed(0)).float()
    fault = StuckNeuron(rate=1.0).patch(STAGES, Draw(0, "m", 0)).stages["fc"]
    assert torch.equal(fault.train(train, np.arange(4)), train)


def test_bad_settings_are_named() -> None:
    with pytest.raises(BadSetting, match=r"^stuck_neuron: give one of rate"):
        StuckNeuron(rate=0.1, count=2)
