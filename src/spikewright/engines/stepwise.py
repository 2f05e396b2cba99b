"""The stepwise engine: real spike trains, step by step, stage by stage. It is the specification.

A generator: each node's trains are dropped as soon as no later node reads them.
"""

from collections.abc import Callable, Iterator

from torch import Tensor

from spikewright.engines.currents import aligned, deliver, drive_of, scaled
from spikewright.engines.record import Record
from spikewright.program import Program, Step
from spikewright.schedules import Drive
from spikewright.source import INPUT
from spikewright.trains import decode, weighted

# Given a stage, its drive and what it fired: another drive to fire by instead, or None
Revise = Callable[[Step, Drive, Record], Drive | None]


def walk(program: Program, x: Tensor, *, revise: Revise | None = None) -> Iterator[Record]:
    """Run a batch [N, *input_shape] and yield one record a stage, then the read-out's.

    `revise` is called after each stage, and may have it fire again by another drive before the next one runs.
    """
    warmup = program.plan.warmup
    values = {INPUT: program.plan.encoder(x)}
    for step in program.steps:
        assert isinstance(step, Step)
        node = step.node
        currents = deliver(step, aligned(step, [values[name] for name in node.inputs]))
        if node.firing is not None:
            drive = drive_of(step, currents)
            record = _fired(step, drive)
            other = None if revise is None else revise(step, drive, record)
            record = record if other is None else _fired(step, other)
            yield record
            assert record.train is not None
            values[node.name] = weighted(record.train, node.firing.code)
        elif node is program.plan.readout:
            total = currents[warmup:].sum(0)
            yield Record(node, scaled(total if step.bias is None else total + step.bias, program.worth))
        else:
            values[node.name] = currents
        for name in set(node.inputs):
            if program.last_use[name] == node.name:
                del values[name]


def _fired(step: Step, drive: Drive) -> Record:
    firing = step.node.firing
    assert firing is not None
    train = firing.schedule.run(firing.law, drive, firing.code)
    return Record(step.node, decode(train, firing.code), train)
