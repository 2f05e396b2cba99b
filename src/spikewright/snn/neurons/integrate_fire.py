"""Integrate and fire with reset by subtraction: u ← u + I;  s = H(u − threshold);  u ← u − s · threshold.

Knows nothing about time: when to integrate and when to fire is the schedule's business.
Source: Rueckauer et al. 2017; "When SNN meets ANN", Eq. 4–5. A tie fires.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from torch import Tensor

from spikewright.snn.neurons._plain import Plain
from spikewright.snn.trains import heaviside


class Membrane(NamedTuple):
    """What a neuron carries from step to step."""

    potential: Tensor  # [N, *features], in the stage's unit


@dataclass(frozen=True, slots=True)
class IntegrateFire(Plain):
    """The integrate-and-fire law with soft reset and no leak."""

    kind: Literal["integrate_fire"] = "integrate_fire"
    conserves: ClassVar[bool] = True  # a spike takes away what it is worth, and nothing else is lost
    leaks: ClassVar[bool] = False
    takes_back: ClassVar[bool] = False
    rate_only: ClassVar[bool] = False  # any code will do

    def init(self, initial: Tensor, like: Tensor) -> Membrane:
        """A membrane at its initial potential, shaped like one step's current [N, *features]."""
        return Membrane(initial.expand_as(like))

    def integrate(self, state: Membrane, current: Tensor) -> Membrane:
        """Add one step's current."""
        return Membrane(state.potential + current)

    def fire(self, state: Membrane, threshold: Tensor) -> tuple[Membrane, Tensor]:
        """Emit 0/1 spikes where the potential reaches the threshold, and subtract it there."""
        spikes = heaviside(state.potential - threshold)
        return Membrane(state.potential - spikes * threshold), spikes
