"""Two-phase: integrate the whole window, then fire once per step weight, largest first (postponed firing).

In exact arithmetic code = clip(⌊u / threshold⌋, 0, Σw), u the accumulated potential with v0 inside, for
every legal code; the closed form is `collapse`.
Source: "When SNN meets ANN", Eq. 10. Differs from print: thresholds are w[t]·unit and u starts at unit/2,
without which the network is not equal to its source.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from spikewright.snn.code import Code
from spikewright.snn.neurons import Dynamics
from spikewright.snn.schedules import Drive


@dataclass(frozen=True, slots=True)
class TwoPhase:
    """Integrate everything, then fire."""

    kind: Literal["two_phase"] = "two_phase"
    waits: ClassVar[bool] = True  # only the window's total matters
    clocked: ClassVar[bool] = False
    needs_soft_reset: ClassVar[bool] = True
    collapses: ClassVar[bool] = False
    warms_up: ClassVar[bool] = False  # no steps before the window

    @property
    def advance(self) -> None:
        """It fires after its window."""
        return

    def replayed_steps(self, code: Code) -> int:  # noqa: ARG002
        """None."""
        return 0

    def run(self, law: Dynamics, drive: Drive, code: Code) -> Tensor:
        """[T_in, N, *] currents → [T, N, *] spikes; T_in and T are independent."""
        state = law.init(drive.initial, drive.currents[0])
        for current in drive.currents:
            state = law.integrate(state, current)
        if drive.bias is not None:
            state = law.integrate(state, drive.bias)
        train = []
        for weight in code.step_weights:
            state, spikes = law.fire(state, weight * drive.threshold)
            train.append(spikes)
        return torch.stack(train)


def collapse(potential: Tensor, threshold: Tensor | None, code: Code) -> Tensor:
    """The codes that firing T times from `potential` (v0 inside) emits, in place; threshold None means 1."""
    if threshold is not None:
        potential = potential.div_(threshold)
    return potential.floor_().clamp_(0, code.levels)
