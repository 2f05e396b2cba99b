"""The collapsed engine: the closed form of postponed firing, one pass the size of the source's.

The next layer's accumulated current is linear in the decoded value, so a stage is one affine map, one floor
and one clip; its spikes are the bits of the code. A stage that fires as currents arrive (lockstep) has no
closed form: it and whatever feeds it run their time loop. Proven equal to the stepwise engine by test.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from spikewright.engines.currents import before_firing, deliver, scaled
from spikewright.engines.record import Record
from spikewright.program import Program, Step
from spikewright.schedules import Drive
from spikewright.schedules.two_phase import collapse as close
from spikewright.source import INPUT
from spikewright.trains import decode, encode


def collapse(program: Program, x: Tensor) -> Iterator[Record]:
    """Run a batch [N, *input_shape] and yield one record a stage, then the read-out's."""
    values = {INPUT: program.plan.encoder(x)}
    for step in program.steps:
        assert isinstance(step, Step)
        node = step.node
        inputs = [values[name] for name in node.inputs]
        if node.firing is not None:
            record = _closed(step, inputs) if node.firing.schedule.waits else _looped(step, inputs)
            yield record
            values[node.name] = _emit(record, wants_train=node.name in program.wants_train)
        elif node is program.plan.readout:
            yield Record(node, scaled(_total(step, inputs), program.worth))
        else:
            currents = deliver(step, inputs)
            values[node.name] = (
                currents if node.name in program.wants_train or len(currents) == 1 else currents.sum(0, True)
            )
        for name in set(node.inputs):
            if program.last_use[name] == node.name:
                del values[name]


def _total(step: Step, inputs: list[Tensor]) -> Tensor:
    """The window's total with its constant, [N, *features]."""
    if step.vector is not None and len(inputs[0]) == 1:
        return deliver(step, inputs, bias=step.vector)[0]
    currents = deliver(step, inputs)
    total = currents[0] if len(currents) == 1 else currents.sum(0)
    return total if step.offset is None else total + step.offset


def _closed(step: Step, inputs: list[Tensor]) -> Record:
    firing = step.node.firing
    assert firing is not None
    # `_total` owns what it returns unless the node only passes its input on
    potential = before_firing(step, _total(step, inputs))
    if not step.pools_only and step.initial is not None:
        potential = potential + step.initial
    if step.weight is None and step.offset is None:
        potential = potential.clone()
    return Record(step.node, close(potential, step.threshold, firing.code))


def _looped(step: Step, inputs: list[Tensor]) -> Record:
    firing = step.node.firing
    assert firing is not None
    currents = deliver(step, inputs)
    one = currents.new_ones(())
    initial = one * 0 if step.initial is None else step.initial
    drive = Drive(currents, step.bias, initial, one if step.threshold is None else step.threshold)
    train = firing.schedule.run(firing.law, drive, firing.code)
    return Record(step.node, decode(train, firing.code), train)


def _emit(record: Record, *, wants_train: bool) -> Tensor:
    """What the next nodes read: the code in one step, or the weighted train."""
    firing = record.node.firing
    assert firing is not None
    if not wants_train:
        return record.codes.unsqueeze(0)
    train = encode(record.codes, firing.code) if record.train is None else record.train
    weights = torch.tensor(firing.code.step_weights, dtype=train.dtype, device=train.device)
    return train * weights.reshape(-1, *(1,) * (train.dim() - 1))
