"""Hardening takes the network as a whole, and a fault of its weights: all else is refused before anything runs."""

from dataclasses import replace

import pytest
import torch
from support.converted import converted

from spikewright.errors import BadSetting
from spikewright.measure.samples import Prepared
from spikewright.reliability.campaign.hardening import ALTERNATIVES, campaigns_of, harden
from spikewright.reliability.campaign.settings import InjectSettings
from spikewright.reliability.faults.bit_flip import BitFlip
from spikewright.reliability.faults.lost_spikes import LostSpikes

SETTINGS = InjectSettings(fault=BitFlip(ber=0.01), maps=2)


def test_parts_and_other_targets_are_refused() -> None:
    blueprint, _, x = converted("mlp")
    samples = Prepared(x, torch.zeros(len(x), dtype=torch.int64))
    for scope in ("layer", "bit", "cell", "channel"):
        with pytest.raises(BadSetting, match="leave out --scope"):
            harden(blueprint, samples, replace(SETTINGS, scope=scope))  # pyright: ignore[reportArgumentType]
    with pytest.raises(BadSetting, match="about stored weights, and fault 'lost_spikes' does not strike them"):
        harden(blueprint, samples, replace(SETTINGS, fault=LostSpikes(rate=0.1)))
    every = campaigns_of(blueprint, samples, SETTINGS, {"other": (blueprint, samples)})
    assert len(every) == 1 + len(ALTERNATIVES) + 1
