"""From options to a directly trained network: defaults, the recipes of two papers, and what was asked for over them.

An option that is not given takes its recipe's value, else the default. A recipe names what a paper settles and
its reference trainings use; nothing else depends on it.

Sources: "Reliability-Aware Hyperparameter Optimization for ANN-to-SNN Conversion", §III and Table III (C1: T = 10,
threshold 0.5), with the recipe that keeps its deep topologies from falling silent (docs/direct_training.md);
"Q-SNNs", §5.1 and Eq. 14-16.
"""

from collections.abc import Mapping
from typing import Any

from spikewright.errors import BadSetting, nearest
from spikewright.snn.formats.binary import Binary
from spikewright.snn.formats.uniform import Uniform
from spikewright.snn.nodes import AnyFormat
from spikewright.snn.surrogate import shape_named
from spikewright.training.snn.settings import NeuronSettings, SpikingSettings, SpikingTraining

FULL = 32  # bits that mean: as it is

DEFAULTS: dict[str, Any] = {
    "timesteps": 4,
    "encoding": "direct",
    "neuron": "lif",
    "leak": None,  # DEFAULT_LEAK, or 1 for the integrate-and-fire neuron
    "learn_leak": False,
    "threshold": 1.0,
    "reset": "soft",
    "detach_reset": False,
    "surrogate": "triangle",
    "surrogate_width": None,  # the shape's own
    "readout": "potential",
    "biases": True,
    "loss": "tet",
    "rate_penalty": 0.0,
    "weight_bits": FULL,
    "edge_bits": None,  # EDGE_BITS beside stored weights, else as they are
    "membrane_bits": FULL,
    "squash": False,
    "standardise": "layer",
    "scale": "mean",
    "estimator": "clipped",
    # of the training itself
    "optimiser": "sgd",
    "learning_rate": 0.1,
    "weight_decay": 5e-4,
    "batch_size": 128,
}
KINDS = {name: type(value) for name, value in DEFAULTS.items()}
KINDS |= {"leak": float, "surrogate_width": float, "edge_bits": int}  # their defaults depend on other options
SWITCHES = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
DEFAULT_LEAK = 0.5
EDGE_BITS = 8

RECIPES: dict[str, dict[str, Any]] = {
    "paper1": {
        "timesteps": 10,
        "encoding": "rate",
        "neuron": "if",
        "threshold": 0.5,
        "reset": "delayed",
        "detach_reset": True,
        "surrogate": "arctangent",
        "biases": False,
        "loss": "sum",
        "optimiser": "adam",
        "learning_rate": 1e-3,
        "weight_decay": 0.0,
    },
    "paper3": {
        "timesteps": 2,
        "leak": 0.5,
        "reset": "hard",
        "surrogate": "triangle",
        "rate_penalty": 1e-3,
        "weight_bits": 1,
        "membrane_bits": 8,
        "batch_size": 256,
    },
}
WITHOUT_FLAG = ("standardise", "scale", "estimator", "squash", "detach_reset")  # on the command line: --set
OF_TRAINING = ("optimiser", "learning_rate", "weight_decay", "batch_size")


def options(given: Mapping[str, Any], recipe: str | None = None) -> dict[str, Any]:
    """All options: what is given (None counts as not), over the recipe, over the defaults.

    Raises:
        BadSetting: an unknown recipe or option, whose nearest is named; text that is not what the option takes.
    """
    if recipe is not None and recipe not in RECIPES:
        raise BadSetting(f"training: no recipe named '{recipe}': choose one of {', '.join(RECIPES)}")
    for name in given:
        if name not in DEFAULTS:
            raise BadSetting(f"training: no option named '{name}': {nearest(name, DEFAULTS)}")
    asked = {name: _typed(name, value) for name, value in given.items() if value is not None}
    return {**DEFAULTS, **(RECIPES[recipe] if recipe else {}), **asked}


def _typed(name: str, value: Any) -> Any:
    """A value that came as text, as what the option is: a switch, a number or a word."""
    kind = KINDS[name]
    if isinstance(value, bool) if kind is bool else not isinstance(value, str) or kind is str:
        return value
    words = {bool: "choose true or false", int: "give a whole number", float: "give a number"}
    try:
        return SWITCHES[str(value).lower()] if kind is bool else kind(value)
    except (KeyError, ValueError):
        raise BadSetting(f"training: {name.replace('_', '-')} is '{value}': {words[kind]}") from None


def spiking_training(chosen: Mapping[str, Any], *, seed: int = 0) -> SpikingTraining:
    """The network and its loss, from all options.

    Raises:
        BadSetting: a value out of its range, or two that do not go together.
    """
    weights = _format(chosen, "weight_bits")
    edges = _format({**chosen, "edge_bits": _edge_bits(chosen, weights)}, "edge_bits")
    membrane = chosen["membrane_bits"]
    neurons = NeuronSettings(
        threshold=chosen["threshold"],
        leak=_leak(chosen),
        learn_leak=chosen["learn_leak"],
        reset=chosen["reset"],
        surrogate=shape_named(chosen["surrogate"], chosen["surrogate_width"]),
        detach_reset=chosen["detach_reset"],
        membrane_bits=None if membrane == FULL else membrane,
        squash=chosen["squash"],
    )
    network = SpikingSettings(
        timesteps=chosen["timesteps"],
        encoding=chosen["encoding"],
        neurons=neurons,
        weights=weights,
        edge_weights=edges,
        readout=chosen["readout"],
        biases=chosen["biases"],
        seed=seed,
    )
    return SpikingTraining(network=network, loss=chosen["loss"], rate_penalty=chosen["rate_penalty"])


def _leak(chosen: Mapping[str, Any]) -> float:
    neuron, leak = chosen["neuron"], chosen["leak"]
    if neuron not in ("if", "lif"):
        raise BadSetting(f"training: neuron is '{neuron}': choose if or lif")
    if neuron == "if":
        if leak not in (None, 1.0):
            raise BadSetting(f"training: neuron 'if' forgets nothing, and leak is {leak}: take --neuron lif")
        return 1.0
    return DEFAULT_LEAK if leak is None else leak


def _edge_bits(chosen: Mapping[str, Any], weights: AnyFormat | None) -> int:
    if chosen["edge_bits"] is not None:
        return chosen["edge_bits"]
    return FULL if weights is None else EDGE_BITS


def _format(chosen: Mapping[str, Any], name: str) -> AnyFormat | None:
    bits = chosen[name]
    if bits == FULL:
        return None
    if bits == 1:
        return Binary(standardise=chosen["standardise"], scale=chosen["scale"], estimator=chosen["estimator"])
    if not 2 <= bits <= 16:
        raise BadSetting(f"training: {name.replace('_', '-')} is {bits}: choose 1, 2 to 16, or {FULL} for as they are")
    return Uniform(bits=bits)
