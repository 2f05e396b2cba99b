"""Probed lockstep: a warm-up tells which neurons should stay silent, then the window runs without those.

    warm-up: τ lockstep steps from v0;   mask = [u(τ) > share · threshold];   reset to v0
    window:  T lockstep steps, spikes · mask
A neuron whose potential ends the warm-up at or below zero has, most likely, an activation of 0, so that any
spike of its is one too many. The whole network probes together; the steps of the warm-up are paid for.

Source: Hao et al. 2023 (SRP, "Reducing ANN-SNN conversion error through residual membrane potential").
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from spikewright.errors import BadPlan
from spikewright.snn.code import Code
from spikewright.snn.neurons import Dynamics
from spikewright.snn.schedules import Drive
from spikewright.snn.schedules.lockstep import require_fit, steps


@dataclass(frozen=True, slots=True)
class Probed:
    """Lockstep with a mask that its code's warm-up steps find.

    Attributes:
        share: of the threshold that the potential must exceed after the warm-up.
    """

    share: float = 1e-3
    kind: Literal["probed"] = "probed"
    waits: ClassVar[bool] = False  # it fires as currents arrive
    clocked: ClassVar[bool] = False
    needs_soft_reset: ClassVar[bool] = False
    collapses: ClassVar[bool] = False
    warms_up: ClassVar[bool] = True  # the probe is the warm-up

    @property
    def advance(self) -> None:
        """Its warm-up is run before its window."""
        return

    def replayed_steps(self, code: Code) -> int:  # noqa: ARG002
        """None: its warm-up is in the train."""
        return 0

    def run(self, law: Dynamics, drive: Drive, code: Code) -> Tensor:
        """[τ + T, N, *] currents → [τ + T, N, *] spikes."""
        require_fit(drive, code)
        if not code.warmup:
            raise BadPlan("probed firing needs a code with warm-up steps: choose at least 1")
        start = law.init(drive.initial, drive.currents[0])
        train, state = [], start
        for after, spikes in steps(law, start, drive, code, range(code.warmup)):
            train.append(spikes)
            state = after
        mask = (state.potential > self.share * drive.threshold).to(drive.currents.dtype)
        window = range(code.warmup, code.steps)
        train.extend(spikes * mask for _, spikes in steps(law, start, drive, code, window))
        return torch.stack(train)
