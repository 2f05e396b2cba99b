"""The stepwise engine: real spike trains, step by step, stage by stage. It is the specification.

A generator: each node's trains are dropped as soon as no later node reads them.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from spikewright.engines.currents import before_firing, deliver, scaled
from spikewright.engines.record import Record
from spikewright.program import Program, Step
from spikewright.schedules import Drive
from spikewright.source import INPUT
from spikewright.trains import decode


def walk(program: Program, x: Tensor) -> Iterator[Record]:
    """Run a batch [N, *input_shape] and yield one record a stage, then the read-out's."""
    values = {INPUT: program.plan.encoder(x)}
    for step in program.steps:
        assert isinstance(step, Step)
        node = step.node
        currents = deliver(step, [values[name] for name in node.inputs])
        if node.firing is not None:
            train = _fire(step, currents)
            yield Record(node, decode(train, node.firing.code), train)
            weights = torch.tensor(node.firing.code.step_weights, dtype=train.dtype, device=train.device)
            values[node.name] = train * weights.reshape(-1, *(1,) * (train.dim() - 1))
        elif node is program.plan.readout:
            total = currents.sum(0)
            yield Record(node, scaled(total if step.bias is None else total + step.bias, program.worth))
        else:
            values[node.name] = currents
        for name in set(node.inputs):
            if program.last_use[name] == node.name:
                del values[name]


def _fire(step: Step, currents: Tensor) -> Tensor:
    firing = step.node.firing
    assert firing is not None
    one = currents.new_ones(())
    initial = one * 0 if step.initial is None else step.initial
    threshold = one if step.threshold is None else step.threshold
    bias = step.bias
    if firing.before_firing:
        total = currents.sum(0)
        currents = before_firing(step, total if bias is None else total + bias).unsqueeze(0)
        bias = None
    return firing.schedule.run(firing.law, Drive(currents, bias, initial, threshold), firing.code)
