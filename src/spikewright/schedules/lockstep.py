"""Lockstep: integrate one step, fire, repeat; every layer advances together (the classical spiking network).

The window's bias arrives evenly, bias/T per step. A train shorter than the window arrives in its own first
steps. With bit-plane codes this is the ablation of "When SNN meets ANN", Table 4; with a rate code it is QCFS.
Its codes depend on when spikes arrive (the "unevenness error"), so it has no closed form here.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from spikewright.code import Code
from spikewright.errors import BadPlan
from spikewright.neurons.integrate_fire import IntegrateFire
from spikewright.schedules import Drive


@dataclass(frozen=True, slots=True)
class Lockstep:
    """Integrate a step, fire, repeat."""

    kind: Literal["lockstep"] = "lockstep"

    @property
    def waits(self) -> bool:
        """It fires as currents arrive."""
        return False

    def run(self, law: IntegrateFire, drive: Drive, code: Code) -> Tensor:
        """[T_in, N, *] currents → [T, N, *] spikes, T_in ≤ T."""
        if len(drive.currents) > code.timesteps:
            raise BadPlan(
                f"a lockstep stage of {code.timesteps} steps receives {len(drive.currents)} steps: "
                "give both the same number of timesteps"
            )
        state = law.init(drive.initial, drive.currents[0])
        train = []
        for step, weight in enumerate(code.step_weights):
            if step < len(drive.currents):
                state = law.integrate(state, drive.currents[step])
            if drive.bias is not None:
                state = law.integrate(state, drive.bias / code.timesteps)
            state, spikes = law.fire(state, weight * drive.threshold)
            train.append(spikes)
        return torch.stack(train)
