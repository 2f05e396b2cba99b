"""Signed integrate and fire with memory: a neuron may take a spike back.

    s = H(u − threshold) − [u < 0 and spikes so far > 0];   u ← u − s · threshold
The memory, how many spikes were emitted and not taken back, keeps the count from falling below 0, as the
source's activation does not.

Source: Wang et al. 2022 (SNM). Differs: a negative spike is due as soon as the potential is below 0. A tie fires.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor

from spikewright.snn.neurons._plain import Plain
from spikewright.snn.trains import heaviside


class SignedMembrane(NamedTuple):
    """What a signed neuron carries from step to step."""

    potential: Tensor  # [N, *features], in the stage's unit
    emitted: Tensor  # spikes emitted and not taken back, [N, *features]


@dataclass(frozen=True, slots=True)
class Signed(Plain):
    """The signed law: spikes are −1, 0 or 1."""

    kind: Literal["signed"] = "signed"
    conserves: ClassVar[bool] = False
    leaks: ClassVar[bool] = False
    takes_back: ClassVar[bool] = True
    rate_only: ClassVar[bool] = True  # the memory counts spikes of one worth

    def init(self, initial: Tensor, like: Tensor) -> SignedMembrane:
        """A membrane at its initial potential, nothing emitted."""
        return SignedMembrane(initial.expand_as(like), torch.zeros_like(like))

    def integrate(self, state: SignedMembrane, current: Tensor) -> SignedMembrane:
        """Add one step's current."""
        return SignedMembrane(state.potential + current, state.emitted)

    def fire(self, state: SignedMembrane, threshold: Tensor) -> tuple[SignedMembrane, Tensor]:
        """Emit 1 where the potential reaches the threshold, −1 where it is below 0 and there is one to take back."""
        back = ((state.potential < 0) & (state.emitted > 0)).to(state.potential.dtype)
        spikes = heaviside(state.potential - threshold) - back
        return SignedMembrane(state.potential - spikes * threshold, state.emitted + spikes), spikes
