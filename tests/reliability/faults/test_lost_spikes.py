"""Spikes that are lost."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reliability.faults.sites import STAGES
from spikewright.errors import BadSetting
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults.lost_spikes import LostSpikes


def train_of(rate: float, train: torch.Tensor, images: np.ndarray, number: int = 0) -> torch.Tensor:
    patch = LostSpikes(rate=rate).patch(STAGES, Draw(0, "model", number))
    return patch.stages["fc"].train(train, images) if patch.stages else train


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 100))
def test_spikes_only_go_and_more_go_at_a_higher_rate(low: float, high: float, number: int) -> None:
    low, high = sorted((low, high))
    train = torch.randint(0, 2, (4, 5, 7), generator=torch.Generator().manual_seed(number)).float()
    few, many = (train_of(rate, train, np.arange(5), number) for rate in (low, high))
    assert bool((many <= few).all())
    assert bool((few <= train).all())


def test_a_share_of_the_spikes_goes() -> None:
    train = torch.randint(0, 2, (10, 400, 7), generator=torch.Generator().manual_seed(0)).float()
    spikes = float(train.sum())
    lost = spikes - float(train_of(0.2, train, np.arange(400)).sum())
    assert abs(lost - 0.2 * spikes) < 4 * np.sqrt(spikes * 0.2 * 0.8)
    assert float(train_of(1.0, train, np.arange(400)).sum()) == 0


def test_what_a_signed_neuron_takes_back_is_a_spike_too() -> None:
    train = torch.tensor([-1.0, 0.0, 1.0]).repeat(4, 2, 3)[:, :, :7]
    assert float(train_of(1.0, train, np.arange(2)).abs().sum()) == 0


def test_bad_settings_are_named() -> None:
    with pytest.raises(BadSetting, match=r"^lost_spikes: rate is -1"):
        LostSpikes(rate=-1.0)
