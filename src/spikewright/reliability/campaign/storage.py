"""How a network's weights are stored while faults strike them, layer by layer.

Weights that the network stores as integers keep their format; all others are rounded to the campaign's.
Knows nothing about faults.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from spikewright.ann.source import Source
from spikewright.reliability.sites import Sites
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.uniform import Uniform

MOST_NAMES = 4  # of layers stored alike that are named one by one


class Stored(NamedTuple):
    """The weights of one layer.

    Attributes:
        layer: its name, as `Memory` has it.
        weights: how many.
        bits: of each; 1 stands for ±1.
        per_channel: whether each output channel has a scale of its own.
        rounded: whether the campaign rounded them; else the network itself stores them so.
    """

    layer: str
    weights: int
    bits: int
    per_channel: bool
    rounded: bool

    @property
    def words(self) -> str:
        """How they are stored, in words."""
        bits = "1 bit (±1)" if self.bits == 1 else f"{self.bits} bits, two's complement"
        return f"{bits}, {'a scale a channel' if self.per_channel else 'one scale a tensor'}"

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**self._asdict(), "words": self.words}


def storage_of(network: Blueprint | Source, sites: Sites, weights: Uniform) -> tuple[Stored, ...]:
    """What each memory of `sites` is stored as; `weights` is the format of those that the network does not store."""
    own = {} if isinstance(network, Source) else _own_scales(network)
    return tuple(
        Stored(
            layer=memory.name,
            weights=len(memory.integers),
            bits=memory.bits,
            per_channel=own.get(memory.name, weights.per_channel),
            rounded=memory.name not in own,
        )
        for memory in sites.memories
    )


def _own_scales(blueprint: Blueprint) -> dict[str, bool]:
    """By layer that stores integers already, whether it has several scales."""
    gains = {node.name: blueprint.arrays.get(f"{node.name}.gain") for node in blueprint.plan.nodes if node.weights}
    return {name: gain is not None and gain.numel() > 1 for name, gain in gains.items()}


def in_words(storage: Sequence[Stored]) -> str:
    """How all are stored, in one sentence without a stop; layers stored alike are named together."""
    alike: dict[str, list[str]] = {}
    for each in storage:
        alike.setdefault(each.words, []).append(each.layer)
    if len(alike) <= 1:
        return next(iter(alike), "")
    return "; ".join(f"{_named(layers)}: {words}" for words, layers in alike.items())


def _named(layers: Sequence[str]) -> str:
    if len(layers) > MOST_NAMES:
        return f"{len(layers)} layers from {layers[0]} to {layers[-1]}"
    return ", ".join(layers)
