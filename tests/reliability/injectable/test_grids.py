"""Bounds of whole numbers hold for what a network hands on: the worst inputs of every sum reach them, none passes."""

import torch
from support.converted import converted

from spikewright.conversion.quantise import quantise
from spikewright.engines.currents import deliver
from spikewright.engines.lower.integer import lowered
from spikewright.reliability.injectable.grids import whole_numbers
from spikewright.snn.formats.uniform import Uniform


def test_a_sum_of_the_largest_inputs_stays_within_its_bound() -> None:
    """Of sums that only pass on what they add up, as behind linear bottlenecks."""
    blueprint, _, _ = converted("mobilenet_v2", timesteps=3)
    program = lowered(quantise(blueprint, Uniform(bits=8))).double()
    most = whole_numbers(program)
    stages = {stage.name for stage in program.plan.stages}
    shapes = {"input": program.plan.input_shape, **{node.name: node.shape for node in program.plan.nodes}}
    sums = [step for step in program.instructions if step.node.op.adds and step.node.name not in stages]
    assert sums
    for step in sums:
        names = step.node.inputs
        given = [torch.full((1, 1, *shapes[name]), float(most[name] or 0)).double() for name in names]
        delivered, bound = float(deliver(step, given).abs().max()), most[step.node.name]
        assert bound is not None
        assert max(float(most[name] or 0) for name in names) < delivered <= bound
