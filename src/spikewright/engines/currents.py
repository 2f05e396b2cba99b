"""What a node's operation delivers, with time folded into the batch, and what then drives a stage.

Shared by the engines. Knows nothing about firing.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from spikewright.engines.program import Instruction, Program, StageInstruction
from spikewright.snn.schedules import Drive


def total_input(program: Program, x: Tensor) -> Tensor:
    """The only input, encoded, over the whole window in one step, [1, N, *]; a repeated one is not divided."""
    return program.plan.encoder.total(x)


def aligned(instruction: Instruction, inputs: Sequence[Tensor]) -> list[Tensor]:
    """Each input as its edge's alignment makes it, [T_in, N, *] → [T_out, N, *]."""
    edges = instruction.node.edges
    return [
        train if edge.alignment is None else edge.alignment(train) for edge, train in zip(edges, inputs, strict=True)
    ]


def totals(instruction: Instruction, inputs: Sequence[Tensor], start: int = 0) -> list[Tensor]:
    """Each input over its window from step `start` on, in one step [1, N, *]; averaging leaves a total as it is."""
    found = []
    for edge, given in zip(instruction.node.edges, inputs, strict=True):
        whole = given if edge.alignment is None or edge.alignment.averages else edge.alignment(given)
        train = whole[start:]
        found.append(train if len(train) == 1 else train.sum(0, keepdim=True))
    return found


def deliver(
    instruction: Instruction,
    inputs: Sequence[Tensor],
    *,
    bias: Tensor | None = None,
    weight: Tensor | None = None,
    bare: bool = False,
) -> Tensor:
    """[T_i, N, *] each → [T, N, *]; a shorter train simply delivers nothing in the later steps.

    `bias` is a constant [C_out] for a convolution or matrix product to add in the same pass; `weight` is for a step
    that was folded without its integers; `bare` leaves out the factor on the result.
    """
    weight = instruction.weight if weight is None else weight
    steps = max(len(train) for train in inputs)
    if steps > 1 and all(len(train) == steps and train.stride(0) == 0 for train in inputs):
        first = [train[:1] for train in inputs]  # of expanded views: every step is the same
        once = deliver(instruction, first, bias=bias, weight=weight, bare=bare)
        return once.expand(steps, *once.shape[1:])
    folded = []
    for index, train in enumerate(inputs):
        missing = (0, 0) * (train.dim() - 1) + (0, steps - len(train))
        batch = (F.pad(train, missing) if len(train) < steps else train).flatten(0, 1)
        gain = instruction.gain(index)
        folded.append(batch if gain is None else batch * gain)
    result = instruction.node.op(folded, weight) if bias is None else instruction.node.op(folded, weight, bias)  # pyright: ignore[reportCallIssue]
    if instruction.after is not None and not bare:
        result = result * instruction.after
    if instruction.integral:
        result = result.round()
    return result.unflatten(0, (steps, inputs[0].shape[1]))


def drive_of(instruction: StageInstruction, currents: Tensor) -> Drive:
    """What drives a stage's membrane, [T, N, *] currents being what its operation delivered.

    Where max pools stand before firing, the neurons before them only accumulate, and the membrane receives what
    the pooled running total grows by: over the window that is the pool of the totals, exactly, and under a
    constant current the pooled current at every step. A clocked stage pools each step's current for itself.
    """
    firing = instruction.firing
    initial, threshold = _constants(instruction, currents)
    if not firing.before_firing:
        return Drive(currents, instruction.bias, initial, threshold)
    if firing.schedule.waits:
        total = currents.sum(0)
        pooled = before_firing(instruction, total if instruction.bias is None else total + instruction.bias)
        return Drive(pooled.unsqueeze(0), None, initial, threshold)
    if firing.schedule.clocked:
        full = currents if instruction.bias is None else currents + instruction.bias
        return Drive(torch.stack([before_firing(instruction, current) for current in full]), None, initial, threshold)
    warmup, timesteps = firing.code.warmup, firing.code.timesteps
    missing = (0, 0) * (currents.dim() - 1) + (0, firing.code.steps - len(currents))
    currents = F.pad(currents, missing)
    if instruction.bias is not None:
        currents = currents + instruction.bias / timesteps
    windows = [currents[:warmup], currents[warmup:]] if warmup else [currents]
    grown = [_growth(instruction, window, timesteps)[0] for window in windows]
    return Drive(torch.cat(grown), None, initial, threshold)


class Pooled(NamedTuple):
    """How far a running total has come that max pools stand behind."""

    steps: int
    total: Tensor  # [N, *], before the pools
    pooled: Tensor  # behind them


def next_drive(
    instruction: StageInstruction, currents: Tensor, since: Pooled | None = None
) -> tuple[Drive, Pooled | None]:
    """As `drive_of`, of some steps [S, N, *] of a window without warm-up, and where the next ones go on from.

    For stages that fire as currents arrive. `since` is what the steps before these gave; None at the first.
    """
    firing = instruction.firing
    if firing.schedule.clocked or not firing.before_firing:
        return drive_of(instruction, currents), None
    timesteps = firing.code.timesteps
    currents = currents if instruction.bias is None else currents + instruction.bias / timesteps
    grown, after = _growth(instruction, currents, timesteps, since)
    return Drive(grown, None, *_constants(instruction, currents)), after


def _constants(instruction: StageInstruction, like: Tensor) -> tuple[Tensor, Tensor]:
    """Initial potential and threshold."""
    one = like.new_ones(())
    return (
        one * 0 if instruction.initial is None else instruction.initial,
        one if instruction.threshold is None else instruction.threshold,
    )


def constant_drive(instruction: StageInstruction, total: Tensor) -> Drive:
    """What drives a lockstep stage's membrane where every step delivers the same: `total` [N, *] over the window.

    In T times the stage's unit: current, threshold and initial potential, so that total/T is never formed and no
    tie is lost to its rounding.
    """
    timesteps = instruction.firing.code.timesteps
    total = total if instruction.bias is None else total + instruction.bias
    current = before_firing(instruction, total)
    initial, threshold = _constants(instruction, current)
    return Drive(current.expand(timesteps, *current.shape), None, initial * timesteps, threshold * timesteps)


def _growth(
    instruction: StageInstruction, currents: Tensor, timesteps: int, since: Pooled | None = None
) -> tuple[Tensor, Pooled]:
    """What the running total, pooled, grows by at each step [S, N, *], and how far it has come."""
    past, before, grown = 0 if since is None else since.steps, None if since is None else since.pooled, []
    total = torch.zeros_like(currents[0]) if since is None else since.total
    for t, current in enumerate(currents, past + 1):
        total = total + current
        pooled = before_firing(instruction, total, t / timesteps)
        grown.append(pooled if before is None else pooled - before)
        before = pooled
    assert before is not None
    return torch.stack(grown), Pooled(past + len(currents), total, before)


def before_firing(instruction: StageInstruction, potential: Tensor, share: float = 1.0) -> Tensor:
    """Apply the max pools, and the batch norms that follow them, to an accumulated potential [N, *].

    `share` is the part of the window that has passed: so much of a constant has arrived.
    """
    for index, op in enumerate(instruction.firing.before_firing):
        gain, bias = instruction.before(index)
        if gain is None:
            potential = op([potential])
        else:
            potential = torch.addcmul(bias * share, potential, gain) if bias is not None else potential * gain
    return potential


def passed_on(program: Program, instruction: Instruction, inputs: list[Tensor]) -> Tensor:
    """What a node that does not fire hands on: its total in one step, or a train where somebody asks for one.

    What is computed of totals has a train that is the same at every step.
    """
    node = instruction.node
    if node.name not in program.wants_train and not program.plan.warmup:
        return delivered(instruction, totals(instruction, inputs)).unsqueeze(0)
    if node.name not in program.of_totals:
        return with_constant(instruction, deliver(instruction, aligned(instruction, inputs)))
    total, steps = delivered(instruction, totals(instruction, inputs)), program.courses[node.name].steps
    return (total / steps).expand(steps, *total.shape)


def with_constant(instruction: Instruction, currents: Tensor) -> Tensor:
    """The currents [T, N, *] of a node that does not fire, with its constant, which comes in the first step."""
    if instruction.bias is None:
        return currents
    first = currents[:1] + instruction.bias
    return first if len(currents) == 1 else torch.cat([first, currents[1:]])


def delivered(instruction: Instruction, inputs: list[Tensor]) -> Tensor:
    """The window's total with its constant, [N, *features], of totals [1, N, *]."""
    if instruction.vector is not None:
        return deliver(instruction, inputs, bias=instruction.vector)[0]
    total = deliver(instruction, inputs)[0]
    return total if instruction.offset is None else total + instruction.offset


def scaled(value: Tensor, worth: Tensor | None) -> Tensor:
    """The read-out in the value scale."""
    return value if worth is None else value * worth
