"""Recipes: what the two papers print, what is taken over what, and what is refused."""

from typing import Any

import pytest

from spikewright.errors import BadSetting
from spikewright.snn.formats.binary import Binary
from spikewright.snn.formats.uniform import Uniform
from spikewright.snn.surrogate import Arctangent, Triangle
from spikewright.training.snn.recipes import DEFAULTS, KINDS, RECIPES, options, spiking_training
from spikewright.training.snn.settings import NeuronSettings


def made(recipe: str | None = None, **given: Any) -> Any:
    return spiking_training(options(given, recipe))


def test_paper_1() -> None:
    """Rate coding for T = 10, threshold 0.5, no leak, subtraction one step later, cross-entropy, Adam at 1e-3."""
    training = made("paper1")
    network, neurons = training.network, training.network.neurons
    assert (network.timesteps, network.encoding, network.readout, network.biases) == (10, "rate", "potential", False)
    assert network.weights is None and network.edge_weights is None
    assert (neurons.threshold, neurons.leak, neurons.reset, neurons.membrane_bits) == (0.5, 1.0, "delayed", None)
    assert neurons.surrogate == Arctangent() and neurons.detach_reset
    assert (training.loss, training.rate_penalty) == ("sum", 0.0)
    chosen = options({}, "paper1")
    assert (chosen["optimiser"], chosen["learning_rate"], chosen["weight_decay"]) == ("adam", 1e-3, 0.0)


def test_paper_3() -> None:
    """T = 2, leak 0.5, hard reset, 1-bit weights between 8-bit ends, triangle of width 1, λ = 1e-3, SGD at 0.1."""
    training = made("paper3")
    network, neurons = training.network, training.network.neurons
    assert (network.timesteps, network.encoding, network.readout) == (2, "direct", "potential")
    assert network.weights == Binary(standardise="layer", scale="mean", estimator="clipped")
    assert network.edge_weights == Uniform(bits=8)
    assert (neurons.threshold, neurons.leak, neurons.reset, neurons.membrane_bits) == (1.0, 0.5, "hard", 8)
    assert neurons.surrogate == Triangle(1.0)
    assert (training.loss, training.rate_penalty) == ("tet", 1e-3)
    chosen = options({}, "paper3")
    assert (chosen["optimiser"], chosen["learning_rate"], chosen["batch_size"]) == ("sgd", 0.1, 256)


def test_what_is_given_goes_over_the_recipe_and_the_recipe_over_the_defaults() -> None:
    assert options({}) == DEFAULTS
    given = {"timesteps": 7, "leak": None, "loss": "mean"}
    for name, value in options(given, "paper3").items():
        expected = {**DEFAULTS, **RECIPES["paper3"], "timesteps": 7, "loss": "mean"}[name]
        assert value == expected, name
    assert set(KINDS) == set(DEFAULTS)
    for recipe in RECIPES.values():
        assert set(recipe) <= set(DEFAULTS)


def test_bits() -> None:
    assert made(weight_bits=1).network.edge_weights == Uniform(bits=8), "the ends keep 8 bits beside stored weights"
    assert made(weight_bits=1, edge_bits=32).network.edge_weights is None
    assert made(weight_bits=1, edge_bits=1).network.edge_weights == Binary()
    assert made(edge_bits=4).network.weights is None
    assert made(weight_bits=5).network.weights == Uniform(bits=5)
    assert made(membrane_bits=32).network.neurons.membrane_bits is None
    assert made(membrane_bits=2, squash=True).network.neurons == NeuronSettings(
        leak=0.5, membrane_bits=2, squash=True, surrogate=Triangle(1.0)
    )
    fancy = made(weight_bits=1, standardise="channel", scale="power_of_two", estimator="annealed").network.weights
    assert fancy == Binary(standardise="channel", scale="power_of_two", estimator="annealed")


def test_leaks() -> None:
    assert made().network.neurons.leak == 0.5
    assert made(neuron="if").network.neurons.leak == 1.0
    assert made(leak=0.9, learn_leak=True).network.neurons.learn_leak
    assert made("paper1", neuron="lif", leak=0.75).network.neurons.leak == 0.75
    assert made(neuron="if", leak=1.0).network.neurons.leak == 1.0


def test_text_becomes_what_the_option_is() -> None:
    """As the command line's key=value gives it."""
    text = {
        "timesteps": "6", "leak": "0.25", "threshold": "2", "membrane_bits": "4", "weight_bits": "1",
        "edge_bits": "6", "surrogate_width": "0.5", "rate_penalty": "1e-2", "squash": "on", "learn_leak": "True",
        "detach_reset": "0", "biases": "false", "reset": "hard", "learning_rate": "1e-3", "batch_size": "32",
    }  # fmt: skip
    values = {
        "timesteps": 6, "leak": 0.25, "threshold": 2.0, "membrane_bits": 4, "weight_bits": 1,
        "edge_bits": 6, "surrogate_width": 0.5, "rate_penalty": 1e-2, "squash": True, "learn_leak": True,
        "detach_reset": False, "biases": False, "reset": "hard", "learning_rate": 1e-3, "batch_size": 32,
    }  # fmt: skip
    chosen = options(text)
    assert {name: chosen[name] for name in values} == values
    assert all(type(chosen[name]) is type(value) for name, value in values.items())
    assert spiking_training(chosen) == spiking_training(options(values))


@pytest.mark.parametrize(
    ("given", "recipe", "words"),
    [
        ({}, "paper2", "no recipe named 'paper2': choose one of paper1, paper3"),
        ({"treshold": 1}, None, "no option named 'treshold': did you mean 'threshold'\\? "),
        ({"qqq": 1}, None, "no option named 'qqq': choose among timesteps, "),
        ({"timesteps": "two"}, None, "timesteps is 'two': give a whole number"),
        ({"timesteps": "2.5"}, None, "timesteps is '2.5': give a whole number"),
        ({"leak": "half"}, None, "leak is 'half': give a number"),
        ({"squash": "maybe"}, None, "squash is 'maybe': choose true or false"),
        ({"weight_bits": 0}, None, "weight-bits is 0: choose 1, 2 to 16, or 32"),
        ({"weight_bits": 17}, None, "weight-bits is 17"),
        ({"weight_bits": -1}, None, "weight-bits is -1"),
        ({"edge_bits": 20}, None, "edge-bits is 20"),
        ({"membrane_bits": 1}, None, "in 2..16, got 1"),
        ({"neuron": "adaptive"}, None, "neuron is 'adaptive': choose if or lif"),
        ({"neuron": "if", "leak": 0.5}, None, "neuron 'if' forgets nothing, and leak is 0.5"),
        ({"leak": 0.5}, "paper1", "neuron 'if' forgets nothing"),
        ({"surrogate": "arctan"}, None, "arctangent"),
        ({"surrogate_width": 0.0}, None, "width"),
        ({"standardise": "batch", "weight_bits": 1}, None, "standardise is 'batch'"),
        ({"reset": "zero"}, None, "no reset named 'zero'"),
        ({"encoding": "poisson"}, None, "encoding is 'poisson'"),
        ({"readout": "votes"}, None, "readout is 'votes'"),
        ({"timesteps": 0}, "paper3", "timesteps must be at least 1"),
        ({"learn_leak": True, "neuron": "if"}, None, "not at 1.0"),
        ({"loss": "tett"}, None, "loss is 'tett'"),
        ({"rate_penalty": -1.0}, None, "rate-penalty is -1.0"),
        ({"rate_penalty": float("nan")}, None, "rate-penalty is nan"),
        ({"loss": "count"}, None, "'count' counts the output's spikes: add --readout spikes"),
        ({"loss": "count_mse"}, "paper1", "'count_mse' counts"),
    ],
)
def test_what_cannot_be(given: dict[str, Any], recipe: str | None, words: str) -> None:
    with pytest.raises(BadSetting, match=words) as caught:
        spiking_training(options(given, recipe))
    assert "\n" not in str(caught.value)
