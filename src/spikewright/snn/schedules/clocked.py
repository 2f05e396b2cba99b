"""Clocked: at every step take what arrives, the stage's bias in full, and fire: directly trained networks.

The scale is that of training: an input, a bias and a threshold mean the same at every step, where the lockstep
of converted networks spreads a window's value over its steps. What stands before firing, a max pool or a
norm after one, is applied to each step's current. Nothing has a closed form over the window.
Source: Wu et al. 2018; "Q-SNNs", Eq. 1–3; "Reliability-Aware Hyperparameter Optimization for ANN-to-SNN Conversion",
Eq. 1–2.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from spikewright.snn.code import Code
from spikewright.snn.neurons import Dynamics
from spikewright.snn.schedules import Drive
from spikewright.snn.schedules.lockstep import require_fit


@dataclass(frozen=True, slots=True)
class Clocked:
    """Take a step's current and the whole bias, fire, repeat."""

    kind: Literal["clocked"] = "clocked"
    waits: ClassVar[bool] = False  # it fires as currents arrive
    clocked: ClassVar[bool] = True
    needs_soft_reset: ClassVar[bool] = False
    collapses: ClassVar[bool] = False
    warms_up: ClassVar[bool] = False  # no steps before the window

    def replayed_steps(self, code: Code) -> int:  # noqa: ARG002
        """None."""
        return 0

    def run(self, law: Dynamics, drive: Drive, code: Code) -> Tensor:
        """[T, N, *] currents → [T, N, *] spikes; the law integrates once a step."""
        require_fit(drive, code)
        return self.advance(law, law.init(drive.initial, drive.currents[0]), drive, code, 0)[1]

    def advance(self, law: Dynamics, state: Any, drive: Drive, code: Code, first: int) -> tuple[Any, Tensor]:  # noqa: ARG002
        """Steps `first` on; all are alike."""
        train = []
        for current in drive.currents:
            state = law.integrate(state, current if drive.bias is None else current + drive.bias)
            state, spikes = law.fire(state, drive.threshold)
            train.append(spikes)
        return state, torch.stack(train)
