"""Settings of a directly trained network: what they make, and what is refused."""

import math
from typing import Any

import pytest

from spikewright.errors import BadSetting
from spikewright.snn.encoders.bernoulli import Bernoulli
from spikewright.snn.encoders.direct import Direct
from spikewright.snn.encoders.frames import Frames
from spikewright.snn.formats.membrane import MembraneFormat
from spikewright.snn.neurons.leaky import Leaky
from spikewright.training.snn.settings import NeuronSettings, SpikingSettings

NAN, INF = math.nan, math.inf


def test_the_law_is_made_of_the_settings() -> None:
    neurons = NeuronSettings(leak=0.5, reset="hard", membrane_bits=4, squash=True)
    stored = MembraneFormat(bits=4, scale=1.5, squash=True)
    assert neurons.law(leak=0.25, scale=1.5) == Leaky(leak=0.25, reset="hard", membrane=stored)
    assert neurons.law(leak=0.25, scale=None) == Leaky(leak=0.25, reset="hard")
    assert NeuronSettings().law(leak=1.0, scale=1.5) == Leaky(), "no bits: stored as it is"


@pytest.mark.parametrize(
    ("encoding", "made"), [("direct", Direct(3)), ("rate", Bernoulli(3, 8)), ("frames", Frames(3))]
)
def test_the_encoder_is_that_of_the_encoding(encoding: Any, made: Any) -> None:
    assert SpikingSettings(timesteps=3, encoding=encoding, seed=8).encoder == made


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"threshold": 0.0}, "threshold is 0.0"),
        ({"threshold": -1.0}, "threshold is -1.0"),
        ({"threshold": NAN}, "threshold is nan"),
        ({"threshold": INF}, "threshold is inf"),
        ({"leak": 1.5}, "leak .* in \\[0, 1\\], got 1.5"),
        ({"leak": -0.1}, "got -0.1"),
        ({"leak": NAN}, "got nan"),
        ({"learn_leak": True}, "learned starts between 0 and 1, not at 1.0"),
        ({"learn_leak": True, "leak": 0.0}, "not at 0.0"),
        ({"reset": "none"}, "no reset named 'none': choose one of soft, hard, delayed"),
        ({"membrane_bits": 1}, "in 2..16, got 1: one bit leaves only the value 0"),
        ({"membrane_bits": 0}, "in 2..16, got 0"),
        ({"membrane_bits": 40}, "in 2..16, got 40"),
    ],
)
def test_neurons_that_cannot_be(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(BadSetting, match=words) as caught:
        NeuronSettings(**settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"timesteps": 0}, "timesteps must be at least 1, got 0"),
        ({"timesteps": -2, "encoding": "rate"}, "got -2"),
        ({"encoding": "latency"}, "encoding is 'latency': choose one of direct, rate, frames"),
        ({"readout": "mean"}, "readout is 'mean': choose one of potential, spikes"),
        ({"encoding": "rate", "seed": -1}, "seed is -1"),
    ],
)
def test_networks_that_cannot_be(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        SpikingSettings(**settings)
