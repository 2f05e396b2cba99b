"""The collapsed engine: closed forms over the window, one pass the size of the source's.

The next layer's accumulated current is linear in the decoded value. So a stage whose code follows from the
window's total (postponed firing, or lockstep under a constant current) is one affine map, one floor and one
clip; its spikes follow from the code. Any other stage runs its time loop, and so does whatever feeds it.
Proven equal to the stepwise engine by test.
"""

from collections.abc import Iterator

from torch import Tensor

from spikewright.ann.ends import Batch
from spikewright.engines.currents import (
    aligned,
    before_firing,
    constant_drive,
    deliver,
    delivered,
    drive_of,
    passed_on,
    scaled,
    totals,
)
from spikewright.engines.ends import started
from spikewright.engines.program import Program, StageInstruction
from spikewright.engines.record import Record, StageRecord
from spikewright.snn.schedules import Drive
from spikewright.snn.trains import decode, encode, weighted


def collapse(program: Program, x: Batch) -> Iterator[Record]:
    """Run a batch [N, *input_shape] and yield one record a stage and one a read-out, in the plan's order."""
    warmup = program.plan.warmup
    values = started(program, x, trains=True if warmup > 0 else program.wants_train)
    for instruction in program.instructions:
        node = instruction.node
        inputs = [values[name] for name in node.inputs]
        if isinstance(instruction, StageInstruction):
            wants_train = node.name in program.wants_train or warmup > 0
            if node.name not in program.closed:
                record = _looped(instruction, drive_of(instruction, deliver(instruction, aligned(instruction, inputs))))
            elif wants_train and not instruction.firing.schedule.waits:
                # a constant current is delivered once: the code tells how often the stage fires, not when
                total = deliver(instruction, totals(instruction, inputs))[0]
                record = _looped(instruction, constant_drive(instruction, total))
            else:
                record = closed(instruction, inputs)
            yield record
            values[node.name] = _emit(record, wants_train=wants_train)
        elif node.name in program.readouts:
            value = scaled(delivered(instruction, totals(instruction, inputs, warmup)), program.worth(node.name))
            yield Record(node, value, output=program.readouts[node.name])
        else:
            values[node.name] = passed_on(program, instruction, inputs)
        for name in set(node.inputs):
            if program.last_use[name] == node.name:
                del values[name]


def closed(instruction: StageInstruction, inputs: list[Tensor]) -> StageRecord:
    """A stage whose code follows from the window's total of what it reads."""
    # `delivered` owns what it returns unless the node only passes its input on
    potential = before_firing(instruction, delivered(instruction, totals(instruction, inputs)))
    if not instruction.starts_early and instruction.initial is not None:
        potential = potential + instruction.initial
    if instruction.weight is None and instruction.offset is None:
        potential = potential.clone()
    return StageRecord(instruction.stage, instruction.code(potential))


def _looped(instruction: StageInstruction, drive: Drive) -> StageRecord:
    firing = instruction.firing
    train = firing.schedule.run(instruction.law, drive, firing.code)
    return StageRecord(instruction.stage, decode(train, firing.code), train)


def _emit(record: StageRecord, *, wants_train: bool) -> Tensor:
    """What the next nodes read: the code in one step, or the weighted train."""
    firing = record.firing
    if not wants_train:
        return record.codes.unsqueeze(0)
    train = record.train
    if train is None:
        train = encode(record.codes, firing.code, signed=firing.law.signed)
    return weighted(train, firing.code)
