"""Integrate and fire with reset to zero: u ← u + I;  s = H(u − threshold);  u ← u · (1 − s).

What lies above the threshold is lost at each spike, which is why conversion uses reset by subtraction; this
law is the contrast.
Source: Cao et al. 2015, Diehl et al. 2015; Rueckauer et al. 2017 name the loss. A tie fires.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from spikewright.snn.neurons._plain import Plain
from spikewright.snn.neurons.integrate_fire import Membrane
from spikewright.snn.trains import heaviside


@dataclass(frozen=True, slots=True)
class HardReset(Plain):
    """The integrate-and-fire law with reset to zero."""

    kind: Literal["hard_reset"] = "hard_reset"
    conserves: ClassVar[bool] = False  # a spike clears the membrane, whatever was on it
    leaks: ClassVar[bool] = False
    takes_back: ClassVar[bool] = False
    rate_only: ClassVar[bool] = True  # a spike clears the membrane, so it cannot be worth a part of it

    def init(self, initial: Tensor, like: Tensor) -> Membrane:
        """A membrane at its initial potential, shaped like one step's current [N, *features]."""
        return Membrane(initial.expand_as(like))

    def integrate(self, state: Membrane, current: Tensor) -> Membrane:
        """Add one step's current."""
        return Membrane(state.potential + current)

    def fire(self, state: Membrane, threshold: Tensor) -> tuple[Membrane, Tensor]:
        """Emit 0/1 spikes where the potential reaches the threshold, and clear it there."""
        spikes = heaviside(state.potential - threshold)
        return Membrane(state.potential * (1 - spikes)), spikes
