"""The read-out alone, a few steps of the window at a time: memory that does not grow with T.

The collapsed engine keeps the whole train of every stage that runs a time loop. Where these stages fire as currents
arrive, none of them knows of later steps: so all go through `STEPS` steps together, hand their membranes on, and leave
only sums of their trains, for whoever reads the window's total. Same arithmetic otherwise, so the same spikes. Plans
in which a stage has to have seen later steps, or whose trains have different lengths, are left to the collapsed engine.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from spikewright.ann.ends import Batch
from spikewright.engines.collapsed import closed, collapse
from spikewright.engines.currents import (
    Pooled,
    constant_drive,
    deliver,
    delivered,
    next_drive,
    passed_on,
    scaled,
    totals,
)
from spikewright.engines.ends import started
from spikewright.engines.program import Instruction, Program, StageInstruction
from spikewright.snn.schedules import Drive
from spikewright.snn.trains import weighted

STEPS = 8  # products of so many steps at once: few enough for memory, enough for speed

Values = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Order:
    """In what order a program's nodes run, and how long what they make is needed.

    Attributes:
        early: once, before the loop over time.
        looped: in it.
        late: once, after it, from totals.
        steps: length of the loop.
    """

    early: tuple[Instruction, ...]
    looped: tuple[Instruction, ...]
    late: tuple[Instruction, ...]
    steps: int

    @property
    def summed(self) -> frozenset[str]:
        """Of what is made in the loop, that of which the total is read after it."""
        return frozenset(name for one in self.late for name in one.node.inputs) & {one.node.name for one in self.looped}

    @property
    def last_use(self) -> dict[str, str]:
        """By name, the last node to read it."""
        return {name: one.node.name for one in (*self.early, *self.looped, *self.late) for name in one.node.inputs}


def order(program: Program) -> Order | None:
    """How to run the program in slices of time; None where there is nothing to slice, or no such order."""
    groups: tuple[list[Instruction], list[Instruction], list[Instruction]] = ([], [], [])
    early, looped, late = groups
    for instruction in program.instructions:
        over_time, totalled = _over_time(program, instruction), _reads(instruction, late)
        if over_time and (totalled or not _goes_along(program, instruction, looped)):
            return None
        after = totalled or _reads(instruction, looped)
        if after and not all(edge.alignment is None or edge.alignment.averages for edge in instruction.node.edges):
            return None
        (looped if over_time else late if after else early).append(instruction)
    steps = {program.courses[one.node.name].steps for one in looped}
    if program.plan.warmup or len(steps) != 1 or not late:
        return None
    return Order(tuple(early), tuple(looped), tuple(late), steps.pop())


def _reads(instruction: Instruction, group: Iterable[Instruction]) -> bool:
    return not {one.node.name for one in group}.isdisjoint(instruction.node.inputs)


def _over_time(program: Program, instruction: Instruction) -> bool:
    """Whether its value differs from step to step, and somebody asks for more than its total."""
    name = instruction.node.name
    if isinstance(instruction, StageInstruction):
        return name not in program.closed or name in program.wants_train
    return name in program.wants_train and not program.courses[name].constant


def _goes_along(program: Program, instruction: Instruction, looped: Sequence[Instruction]) -> bool:
    """Whether it can run some steps at a time, beside what it reads."""
    node, courses = instruction.node, program.courses
    if isinstance(instruction, StageInstruction):
        if instruction.firing.schedule.advance is None:
            return False
        if node.name in program.closed:
            return not _reads(instruction, looped)  # the total that drives it must be there before the loop
    elif instruction.bias is not None:
        return False  # it comes in the window's first step
    steps = courses[node.name].steps
    return all(edge.alignment is None and courses[edge.source].steps == steps for edge in node.edges)


@dataclass(slots=True)
class _Loop:
    """One node under way through its window."""

    instruction: Instruction
    steady: Tensor | None  # [1, N, *]: what its operation delivers at every step, where that is always the same
    constant: Drive | None = None  # of a stage in closed form: its drive over the whole window
    state: Any = None
    pooled: Pooled | None = None

    def __call__(self, values: Mapping[str, Tensor], first: int, steps: int) -> Tensor:
        """Steps `first` on of what it hands on, [steps, N, *]."""
        instruction = self.instruction
        if self.constant is not None:
            drive = self.constant._replace(currents=self.constant.currents[first : first + steps])
        else:
            currents = self._currents(values, steps)
            if not isinstance(instruction, StageInstruction):
                return currents
            drive, self.pooled = next_drive(instruction, currents, self.pooled)
        assert isinstance(instruction, StageInstruction)
        firing = instruction.firing
        assert firing.schedule.advance is not None
        state = instruction.law.init(drive.initial, drive.currents[0]) if self.state is None else self.state
        self.state, train = firing.schedule.advance(instruction.law, state, drive, firing.code, first)
        return weighted(train, firing.code, first)

    def _currents(self, values: Mapping[str, Tensor], steps: int) -> Tensor:
        if self.steady is None:
            return deliver(self.instruction, [values[name] for name in self.instruction.node.inputs])
        return self.steady.expand(steps, *self.steady.shape[1:])


def readouts(program: Program, x: Batch) -> Values:
    """[N, *input_shape] → the value of each read-out [N, *output_shape], by its node."""
    split = order(program)
    if split is None or split.steps <= STEPS:
        return {one.node.name: one.codes for one in collapse(program, x) if one.output is not None}
    last_use = split.last_use
    values: Values = started(program, x, trains=program.wants_train)
    _run(program, split.early, values, last_use)
    values |= _sums(program, split, values)
    for one in split.looped:
        _forget(one, values, last_use)
    _run(program, split.late, values, last_use)
    return {name: values[name] for name in program.readouts}


def _run(program: Program, group: Sequence[Instruction], values: Values, last_use: Mapping[str, str]) -> None:
    """Nodes of which totals are asked, or that are the same at every step."""
    for instruction in group:
        node, inputs = instruction.node, [values[name] for name in instruction.node.inputs]
        if isinstance(instruction, StageInstruction):
            values[node.name] = closed(instruction, inputs).codes.unsqueeze(0)
        elif node.name in program.readouts:
            values[node.name] = scaled(delivered(instruction, totals(instruction, inputs)), program.worth(node.name))
        else:
            values[node.name] = passed_on(program, instruction, inputs)
        del inputs
        _forget(instruction, values, last_use)


def _forget(instruction: Instruction, values: Values, last_use: Mapping[str, str]) -> None:
    for name in set(instruction.node.inputs):
        if last_use[name] == instruction.node.name:
            values.pop(name, None)


def _sums(program: Program, split: Order, values: Mapping[str, Tensor]) -> Values:
    """The loop over time: of each node whose total is read after it, that total [1, N, *]."""
    loops = [_loop(program, one, values) for one in split.looped]
    last_use, read = split.last_use, {name for one in split.looped for name in one.node.inputs}
    whole, sums = {name: value for name, value in values.items() if name in read}, dict[str, Tensor]()
    for first in range(0, split.steps, STEPS):
        steps = min(STEPS, split.steps - first)
        part = {name: train[first : first + steps] for name, train in whole.items() if len(train) == split.steps}
        for loop in loops:
            name = loop.instruction.node.name
            made = loop(part, first, steps)
            if name in split.summed:
                total = made.sum(0, keepdim=True)
                sums[name] = total if name not in sums else sums[name] + total
            part[name] = made
            del made
            _forget(loop.instruction, part, last_use)
    return sums


def _loop(program: Program, instruction: Instruction, values: Mapping[str, Tensor]) -> _Loop:
    node = instruction.node
    if isinstance(instruction, StageInstruction) and node.name in program.closed:
        total = deliver(instruction, totals(instruction, [values[name] for name in node.inputs]))[0]
        return _Loop(instruction, None, constant_drive(instruction, total))
    if not program.drives[node.name].constant:
        return _Loop(instruction, None)
    return _Loop(instruction, deliver(instruction, [values[name][:1] for name in node.inputs]))
