"""Lockstep: integrate one step, fire, repeat; every layer advances together (the classical spiking network).

The window's bias arrives evenly, bias/T per step. A train shorter than the window arrives in its own first
steps. With bit-plane codes this is the ablation of "When SNN meets ANN", Table 4; with a rate code it is QCFS.
Its codes depend on when spikes arrive (the "unevenness error"). Under a constant current they do not:

    spikes = clip(⌊(v0 + total)/threshold⌋, 0, T)      for v0 in [0, threshold) and a rate code
which is `schedules.two_phase.collapse` of the window's total.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from spikewright.errors import BadPlan
from spikewright.snn.code import Code
from spikewright.snn.neurons import Dynamics
from spikewright.snn.schedules import Drive


@dataclass(frozen=True, slots=True)
class Lockstep:
    """Integrate a step, fire, repeat."""

    kind: Literal["lockstep"] = "lockstep"
    waits: ClassVar[bool] = False  # it fires as currents arrive
    clocked: ClassVar[bool] = False
    needs_soft_reset: ClassVar[bool] = False
    collapses: ClassVar[bool] = True
    warms_up: ClassVar[bool] = False  # no steps before the window

    def replayed_steps(self, code: Code) -> int:  # noqa: ARG002
        """None."""
        return 0

    def run(self, law: Dynamics, drive: Drive, code: Code) -> Tensor:
        """[T_in, N, *] currents → [T, N, *] spikes, T_in ≤ T."""
        require_fit(drive, code)
        state = law.init(drive.initial, drive.currents[0])
        return torch.stack([spikes for _, spikes in steps(law, state, drive, code, range(code.timesteps))])

    def advance(self, law: Dynamics, state: Any, drive: Drive, code: Code, first: int) -> tuple[Any, Tensor]:
        """Steps `first` on; what a spike weighs goes by its place in the window."""
        train = []
        for after, spikes in steps(law, state, drive, code, range(len(drive.currents)), first):
            state = after
            train.append(spikes)
        return state, torch.stack(train)


def require_fit(drive: Drive, code: Code) -> None:
    """Refuse a train that is longer than the stage runs."""
    if len(drive.currents) > code.steps:
        raise BadPlan(
            f"a lockstep stage of {code.steps} steps receives {len(drive.currents)} steps: "
            "give both the same number of timesteps, or an alignment"
        )


def steps(
    law: Dynamics, state: Any, drive: Drive, code: Code, window: range, first: int = 0
) -> Iterator[tuple[Any, Tensor]]:
    """Yield (state, spikes) after each of the window's steps.

    A step weighs as its place in the window says, that of the first one being `first`.
    """
    bias = None if drive.bias is None else drive.bias / code.timesteps
    rate = code.is_rate
    for place, step in enumerate(window, first):
        if step < len(drive.currents):
            state = law.integrate(state, drive.currents[step])
        if bias is not None:
            state = law.integrate(state, bias)
        state, spikes = law.fire(state, drive.threshold if rate else code.step_weights[place] * drive.threshold)
        yield state, spikes
