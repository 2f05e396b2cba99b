"""Spikes that nobody fired."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reliability.faults.sites import STAGES
from spikewright.errors import BadSetting
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults.spurious_spikes import SpuriousSpikes


def train_of(rate: float, train: torch.Tensor, images: np.ndarray, number: int = 0) -> torch.Tensor:
    patch = SpuriousSpikes(rate=rate).patch(STAGES, Draw(0, "model", number))
    return patch.stages["fc"].train(train, images) if patch.stages else train


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 100))
def test_spikes_only_come_and_more_come_at_a_higher_rate(low: float, high: float, number: int) -> None:
    low, high = sorted((low, high))
    train = torch.randint(0, 2, (4, 5, 7), generator=torch.Generator().manual_seed(number)).float()
    few, many = (train_of(rate, train, np.arange(5), number) for rate in (low, high))
    assert bool((many >= few).all())
    assert bool((few >= train).all())
    assert set(many.unique().tolist()) <= {0.0, 1.0}


def test_a_share_of_the_silent_slots_fills() -> None:
    train = torch.randint(0, 2, (10, 400, 7), generator=torch.Generator().manual_seed(0)).float()
    silent = train.numel() - float(train.sum())
    come = float(train_of(0.1, train, np.arange(400)).sum() - train.sum())
    assert abs(come - 0.1 * silent) < 4 * np.sqrt(silent * 0.1 * 0.9)
    assert float(train_of(1.0, train, np.arange(400)).mean()) == 1


def test_bad_settings_are_named() -> None:
    with pytest.raises(BadSetting, match=r"^spurious_spikes: rate is nan"):
        SpuriousSpikes(rate=float("nan"))
