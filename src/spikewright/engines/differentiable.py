"""A pass with gradients for thresholds and initial potentials, weights frozen.

Forward it is the collapsed engine, spike for spike; backward, spikes and codes pass surrogate gradients on.
Where a stage's code follows from the window's total the gradient goes straight through its floor, else through
every step of its time loop.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from torch import Tensor

from spikewright.ann.ends import Batch
from spikewright.engines.currents import (
    aligned,
    before_firing,
    constant_drive,
    deliver,
    drive_of,
    scaled,
    with_constant,
)
from spikewright.engines.ends import given_back, started
from spikewright.engines.program import Instruction, Program, StageInstruction
from spikewright.errors import BadSetting
from spikewright.snn.neurons.integrate_fire import IntegrateFire, Membrane
from spikewright.snn.schedules import Drive
from spikewright.snn.surrogate import Shape, fire, floor
from spikewright.snn.trains import weighted


class Constants(NamedTuple):
    """What a stage is run with, in the unit that its program was folded for."""

    threshold: Tensor  # also what its spikes are worth downstream
    initial: Tensor


@dataclass(frozen=True, slots=True)
class _Smooth(IntegrateFire):
    """The integrate-and-fire law with a surrogate gradient; `shape` is in thresholds."""

    shape: Shape = None  # pyright: ignore[reportAssignmentType]
    kind: Literal["integrate_fire"] = "integrate_fire"

    def fire(self, state: Membrane, threshold: Tensor) -> tuple[Membrane, Tensor]:
        spikes = fire(state.potential / threshold - 1, self.shape)
        return Membrane(state.potential - spikes * threshold), spikes


def require_differentiable(program: Program) -> None:
    """Refuse laws and schedules that this pass does not know.

    Raises:
        BadSetting: a stage resets to zero, takes spikes back, or finds its own initial potential.
    """
    for node in program.plan.stages:
        law, schedule = node.firing.law, node.firing.schedule
        if not isinstance(law, IntegrateFire) or schedule.warms_up:
            raise BadSetting(
                f"calibration: stage {node.name!r} fires by {law.kind!r} under {schedule.kind!r}, which it cannot "
                "train: convert by a method with soft reset and no warm-up, such as qcfs, qac or percentile_norm"
            )


def run(program: Program, x: Batch, constants: Mapping[str, Constants], *, shape: Shape) -> Batch:
    """[N, *input_shape] → the outputs [N, *output_shape], differentiable in `constants` (one for every stage)."""
    values, read = started(program, x), dict[str, Tensor]()
    for instruction in program.instructions:
        node = instruction.node
        inputs = aligned(instruction, [values[name] for name in node.inputs])
        if isinstance(instruction, StageInstruction):
            chosen = constants[node.name]
            closed = node.name in program.closed
            if closed and node.name not in program.wants_train:
                values[node.name] = _coded(instruction, inputs, chosen)
            else:
                # what a closed stage reads may have been summed over time: its current is the same at every step
                constant = closed and not instruction.firing.schedule.waits
                drive = (
                    constant_drive(instruction, _total(instruction, inputs))
                    if constant
                    else drive_of(instruction, deliver(instruction, inputs))
                )
                values[node.name] = _trained(instruction, drive, chosen, shape)
        elif node.name in program.readouts:
            total = _total(instruction, inputs)
            total = total if instruction.bias is None else total + instruction.bias
            read[node.name] = scaled(total, program.worth(node.name))
        elif node.name in program.wants_train and node.name not in program.of_totals:
            values[node.name] = with_constant(instruction, deliver(instruction, inputs))
        else:
            steps = program.courses[node.name].steps if node.name in program.wants_train else 1
            total = _total(instruction, inputs)
            total = total if instruction.bias is None else total + instruction.bias
            values[node.name] = (total / steps).expand(steps, *total.shape)
        for name in set(node.inputs):
            if program.last_use[name] == node.name:
                del values[name]
    return given_back(program.plan, read)


def _total(instruction: Instruction, inputs: list[Tensor]) -> Tensor:
    return deliver(instruction, [train if len(train) == 1 else train.sum(0, keepdim=True) for train in inputs])[0]


def _coded(instruction: StageInstruction, inputs: list[Tensor], constants: Constants) -> Tensor:
    total = _total(instruction, inputs)
    potential = before_firing(instruction, total if instruction.bias is None else total + instruction.bias)
    levels = ((potential + constants.initial) / constants.threshold).clamp(0, instruction.firing.code.levels)
    return (floor(levels) * constants.threshold).unsqueeze(0)


def _trained(instruction: StageInstruction, drive: Drive, constants: Constants, shape: Shape) -> Tensor:
    firing = instruction.firing
    unit = drive.threshold  # of the drive, in thresholds as they were folded: a constant current has T of them
    drive = drive._replace(initial=constants.initial * unit, threshold=constants.threshold * unit)
    train = firing.schedule.run(_Smooth(shape=shape), drive, firing.code)
    return weighted(train, firing.code) * constants.threshold
