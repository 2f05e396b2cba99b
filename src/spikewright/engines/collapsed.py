"""The collapsed engine: closed forms over the window, one pass the size of the source's.

The next layer's accumulated current is linear in the decoded value. So a stage whose code follows from the
window's total (postponed firing, or lockstep under a constant current) is one affine map, one floor and one
clip; its spikes follow from the code. Any other stage runs its time loop, and so does whatever feeds it.
Proven equal to the stepwise engine by test.
"""

from collections.abc import Iterator

from torch import Tensor

from spikewright.ann.source import INPUT
from spikewright.engines.currents import (
    aligned,
    before_firing,
    constant_drive,
    deliver,
    drive_of,
    scaled,
    total_input,
    totals,
)
from spikewright.engines.program import Program, StageStep, Step
from spikewright.engines.record import Record, StageRecord
from spikewright.snn.schedules import Drive
from spikewright.snn.schedules.two_phase import collapse as close
from spikewright.snn.trains import decode, encode, weighted


def collapse(program: Program, x: Tensor) -> Iterator[Record]:
    """Run a batch [N, *input_shape] and yield one record a stage, then the read-out's."""
    warmup = program.plan.warmup
    wanted = INPUT in program.wants_train or warmup > 0
    values = {INPUT: program.plan.encoder(x) if wanted else total_input(program, x)}
    for step in program.steps:
        node = step.node
        inputs = [values[name] for name in node.inputs]
        if isinstance(step, StageStep):
            wants_train = node.name in program.wants_train or warmup > 0
            if node.name not in program.closed:
                record = _looped(step, drive_of(step, deliver(step, aligned(step, inputs))))
            elif wants_train and not step.firing.schedule.waits:
                # a constant current is delivered once: the code tells how often the stage fires, not when
                total = deliver(step, totals(step, inputs))[0]
                record = _looped(step, constant_drive(step, total))
            else:
                record = _closed(step, inputs)
            yield record
            values[node.name] = _emit(record, wants_train=wants_train)
        elif node is program.plan.readout:
            yield Record(node, scaled(_delivered(step, totals(step, inputs, warmup)), program.worth))
        elif node.name in program.wants_train or warmup:
            values[node.name] = deliver(step, aligned(step, inputs))
        else:
            values[node.name] = deliver(step, totals(step, inputs))
        for name in set(node.inputs):
            if program.last_use[name] == node.name:
                del values[name]


def _delivered(step: Step, inputs: list[Tensor]) -> Tensor:
    """The window's total with its constant, [N, *features]."""
    if step.vector is not None:
        return deliver(step, inputs, bias=step.vector)[0]
    total = deliver(step, inputs)[0]
    return total if step.offset is None else total + step.offset


def _closed(step: StageStep, inputs: list[Tensor]) -> StageRecord:
    # `_delivered` owns what it returns unless the node only passes its input on
    potential = before_firing(step, _delivered(step, totals(step, inputs)))
    if not step.starts_early and step.initial is not None:
        potential = potential + step.initial
    if step.weight is None and step.offset is None:
        potential = potential.clone()
    return StageRecord(step.stage, close(potential, step.threshold, step.firing.code))


def _looped(step: StageStep, drive: Drive) -> StageRecord:
    firing = step.firing
    train = firing.schedule.run(firing.law, drive, firing.code)
    return StageRecord(step.stage, decode(train, firing.code), train)


def _emit(record: StageRecord, *, wants_train: bool) -> Tensor:
    """What the next nodes read: the code in one step, or the weighted train."""
    firing = record.firing
    if not wants_train:
        return record.codes.unsqueeze(0)
    return weighted(encode(record.codes, firing.code) if record.train is None else record.train, firing.code)
