"""Leaky integrate and fire: m ← leak · q + I;  s = H(m − θ);  reset;  q ← m, in k bits where a format is given.

    soft      m ← m − s·θ
    hard      m ← m · (1 − s)
    delayed   m stays, and s·θ is owed: the next step is m ← (leak · q + I) − s·θ
Firing reads the membrane at full precision; what is quantised is what is remembered, after the reset. `integrate` is
called once a step: it leaks every time.

Source: Q-SNNs, Eq. 1–3 and 10 (hard; Algorithm 1 prints another order, which silences the network at 2 bits);
"Reliability-Aware Hyperparameter Optimization for ANN-to-SNN Conversion", Eq. 1–2, and snnTorch's Leaky (delayed; it
fires above the threshold only). A tie fires.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, get_args

import torch
from torch import Tensor

from spikewright.errors import BadSetting
from spikewright.snn.formats.membrane import MembraneFormat
from spikewright.snn.neurons._plain import OneThreshold
from spikewright.snn.trains import heaviside

Reset = Literal["soft", "hard", "delayed"]


class LeakyMembrane(NamedTuple):
    """What a leaky neuron carries from step to step, in the stage's unit."""

    potential: Tensor  # [N, *features]
    owed: Tensor  # what the next step subtracts; 0-d and 0 where the reset is at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaky(OneThreshold):
    """The leaky law.

    Attributes:
        leak: what is left of the membrane a step later, in [0, 1]; 1 forgets nothing.
        reset: soft (subtract), hard (to zero), or delayed (subtract one step later).
        membrane: how the membrane is stored between steps; None: as it is.

    Raises:
        BadSetting: a leak outside [0, 1], or a reset of another name.
    """

    leak: float = 1.0
    reset: Reset = "soft"
    membrane: MembraneFormat | None = None
    kind: Literal["leaky"] = "leaky"
    conserves: ClassVar[bool] = False
    leaks: ClassVar[bool] = True
    takes_back: ClassVar[bool] = False
    rate_only: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.leak) and 0 <= self.leak <= 1):
            raise BadSetting(f"a leak is the share of a membrane left a step later, in [0, 1], got {self.leak}")
        if self.reset not in get_args(Reset):
            raise BadSetting(f"no reset named {self.reset!r}: choose one of {', '.join(get_args(Reset))}")

    def init(self, initial: Tensor, like: Tensor) -> LeakyMembrane:
        """A membrane at its initial potential, nothing owed, shaped like one step's current [N, *features]."""
        owed = torch.zeros_like(like) if self.reset == "delayed" else like.new_zeros(())
        return LeakyMembrane(initial.expand_as(like), owed)

    def integrate(self, state: LeakyMembrane, current: Tensor, leak: Tensor | None = None) -> LeakyMembrane:
        """Leak (by another leak, 0-d or by neuron, if given), add the current, subtract what is owed; once a step."""
        potential = (self.leak if leak is None else leak) * state.potential + current
        if self.reset == "delayed":
            potential = potential - state.owed
        return LeakyMembrane(potential, state.owed)

    def fire(self, state: LeakyMembrane, threshold: Tensor) -> tuple[LeakyMembrane, Tensor]:
        """Emit 0/1 spikes where the potential reaches the threshold; reset; store."""
        spikes = heaviside(state.potential - threshold)
        return self.settle(self.reset_after(state, spikes, threshold), threshold), spikes

    def reset_after(self, state: LeakyMembrane, spikes: Tensor, threshold: Tensor) -> LeakyMembrane:
        """The membrane after its spikes, at full precision."""
        match self.reset:
            case "soft":
                return LeakyMembrane(state.potential - spikes * threshold, state.owed)
            case "hard":
                return LeakyMembrane(state.potential * (1 - spikes), state.owed)
            case "delayed":
                return LeakyMembrane(state.potential, spikes * threshold)

    def settle(self, state: LeakyMembrane, threshold: Tensor) -> LeakyMembrane:
        """The membrane as it is remembered; what is owed is not part of it."""
        if self.membrane is None:
            return state
        return LeakyMembrane(self.membrane.quantise(state.potential, threshold), state.owed)
