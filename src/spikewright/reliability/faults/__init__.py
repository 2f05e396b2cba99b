"""Fault kinds, one file each: (what may be hit, a draw) → what one fault map changes.

    Patch = rewritten weight integers · changed neurons · changed pixels
A kind describes a mechanism and draws where it strikes; it neither runs nor measures a network.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from spikewright.reliability.draw import Draw
from spikewright.reliability.sites import Sites
from spikewright.snn.neurons import Dynamics, Law
from spikewright.snn.schedules import Drive


class Rewrite(NamedTuple):
    """Stored weights that a fault changes: flat places in the weight, ascending, and what they hold then."""

    places: NDArray[np.int64]
    integers: NDArray[np.int64]


class StageFault(Protocol):
    """What a fault does to the neurons of one stage, or to the activations of one layer of an ordinary network.

    Features are those of the stage, [*features]; a batch is a part of the images, in any order. Nothing may depend on
    who else is in the batch: what differs from image to image is drawn by the image's own number.
    """

    def drive(self, drive: Drive) -> Drive:
        """Other currents, initial potential or threshold for the stage's window."""
        ...

    def law(self, law: Law, images: NDArray[np.int64], threshold: Tensor) -> Dynamics:
        """Another law for its neurons; `threshold` is that of the fault-free drive, as a measure of potentials."""
        ...

    def train(self, train: Tensor, images: NDArray[np.int64]) -> Tensor:
        """Other spikes [T, N, *features] of 0 and 1 for those that it fired; `images` are the batch's numbers, [N]."""
        ...

    def value(self, value: Tensor, images: NDArray[np.int64], top: float) -> Tensor:
        """The same for an ordinary network's activations [N, *features]; `top` is the largest of the fault-free run."""
        ...


class PixelFault(Protocol):
    """What a fault does to inputs before they are encoded."""

    def pixels(self, inputs: Tensor, images: NDArray[np.int64]) -> Tensor:
        """Other inputs [N, *input_shape] for those given."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patch:
    """All that one fault map changes.

    Attributes:
        weights: by memory.
        stages: by stage.
        pixels: of the input.
        hits: how many bits, neurons or whatever the kind counts were struck.
    """

    weights: Mapping[str, Rewrite] = field(default_factory=dict)
    stages: Mapping[str, StageFault] = field(default_factory=dict)
    pixels: PixelFault | None = None
    hits: int = 0


class Fault(Protocol):
    """A kind of fault with its settings."""

    @property
    def kind(self) -> str:
        """Its name in files and on the command line."""
        ...

    @property
    def targets(self) -> str:
        """What it needs among the sites: weights, stages or pixels."""
        ...

    @property
    def ordinary(self) -> bool:
        """Whether it applies to ordinary networks too; where it does not, `value` changes nothing."""
        ...

    def patch(self, sites: Sites, draw: Draw) -> Patch:
        """One fault map: a pure function of the sites and the draw."""
        ...
