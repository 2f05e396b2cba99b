"""The stepwise engine: real spike trains, step by step, stage by stage. It is the specification.

A current that is the same at every step is accumulated once and injected T times. A generator: each node's
trains are dropped as soon as no later node reads them.
"""

from collections.abc import Callable, Iterator

from torch import Tensor

from spikewright.ann.ends import Batch
from spikewright.engines.currents import aligned, constant_drive, deliver, drive_of, scaled, with_constant
from spikewright.engines.ends import started
from spikewright.engines.program import Instruction, Program, StageInstruction
from spikewright.engines.record import Record, StageRecord
from spikewright.snn.nodes import Node, Stage
from spikewright.snn.schedules import Drive
from spikewright.snn.trains import decode, weighted

# Given a stage, its drive and what it fired: another drive to fire by instead, or None
Revise = Callable[[StageInstruction, Drive, StageRecord], Drive | None]


def walk(program: Program, x: Batch, *, revise: Revise | None = None) -> Iterator[Record]:
    """Run a batch [N, *input_shape] and yield one record a stage and one a read-out, in the plan's order.

    `revise` is called after each stage, and may have it fire again by another drive before the next one runs.
    """
    by_steps = program.plan.warmup > 0 or program.plan.encoder.clocked
    values = started(program, x, trains=by_steps)
    for instruction in program.instructions:
        node = instruction.node
        currents = _currents(program, instruction, [values[name] for name in node.inputs])
        if isinstance(instruction, StageInstruction):
            steady = _arrives_as_total(program, node) and not instruction.firing.schedule.waits
            drive = constant_drive(instruction, currents[0]) if steady else drive_of(instruction, currents)
            record = _fired(instruction, drive)
            other = None if revise is None else revise(instruction, drive, record)
            record = record if other is None else _fired(instruction, other)
            yield record
            assert record.train is not None
            values[node.name] = weighted(record.train, instruction.firing.code)
        elif node.name in program.readouts:
            total = currents[program.plan.warmup :].sum(0)
            total = total if instruction.bias is None else total + instruction.bias
            yield Record(node, scaled(total, program.worth(node.name)), output=program.readouts[node.name])
        else:
            values[node.name] = with_constant(instruction, currents)
        for name in set(node.inputs):
            if program.last_use[name] == node.name:
                del values[name]


def _arrives_as_total(program: Program, node: Node) -> bool:
    """Whether every step delivers the same to a node, for as long as it runs: then one step with the total will do.

    So a mean over the window is never divided by T only to be summed again, which would lose ties to rounding. What is
    not linear reads totals in any case.
    """
    if program.plan.warmup or program.plan.encoder.clocked:
        return False
    if not node.op.linear:
        return True
    course = program.drives[node.name]
    if not isinstance(node, Stage) or node.firing.schedule.waits:
        return course.constant
    return course == (node.firing.code.timesteps, True)


def _currents(program: Program, instruction: Instruction, inputs: list[Tensor]) -> Tensor:
    """What a node's operation delivers: the window's total in one step where every step is equal, else each step."""
    courses = [program.courses[edge.source] for edge in instruction.node.edges]
    if _arrives_as_total(program, instruction.node):
        joined = [
            train if course.constant or edge.alignment is None or edge.alignment.averages else edge.alignment(train)
            for edge, course, train in zip(instruction.node.edges, courses, inputs, strict=True)
        ]
        return deliver(instruction, [train.sum(0, keepdim=True) if len(train) > 1 else train for train in joined])
    trains = [
        (train / course.steps).expand(course.steps, *train.shape[1:]) if len(train) < course.steps else train
        for train, course in zip(inputs, courses, strict=True)
    ]
    return deliver(instruction, aligned(instruction, trains))


def _fired(instruction: StageInstruction, drive: Drive) -> StageRecord:
    firing = instruction.firing
    train = firing.schedule.run(instruction.law, drive, firing.code)
    return StageRecord(instruction.stage, decode(train, firing.code), train)
