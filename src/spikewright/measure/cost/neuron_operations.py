"""What neurons do at every step whether anything spikes or not: shifts, leaks, compares and resets.

    shifts:   C_out·H·W for each step of an incoming train, where its step weights are not all one; where a node that
        is not linear reads its number, the elements of that
    leaks:    one for each neuron and step whose leak λ is inside (0, 1): a shift where λ = 2^−k, else a multiplication
    compares: one for each neuron and step, and one more for a sign or a falling branch of a staircase
    resets: one for each neuron and step (the subtraction may be of nothing); none where a table is compared with
    injections: one for each neuron and step of a lockstep stage under a constant current, which is accumulated
        once (a mean over the window, the analog input) and added to the membrane at every step
Steps are those that run: the window, a warm-up, and what a schedule replays.
Left out: rounding a membrane to its format, the memory of a signed or a delayed reset, and the gains of stored
weights, which thresholds and biases can take up.
Source: "When SNN meets ANN", §5.3 and A.4; leaks, of which it has none: Eq. 1 of Q-SNNs, one product a neuron and step.
Differs: a rate code needs no shift and is charged none.
"""

from dataclasses import dataclass

import torch

from spikewright.ann.ops import Product
from spikewright.measure.cost.fan_out import FanOut, op_shape, powers_of_two
from spikewright.measure.cost.synapses import elements
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.nodes import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuronOperations:
    """Operations per sample; `leak_shifts` are not among `shifts`."""

    shifts: int
    compares: int
    resets: int
    injections: int
    leak_multiplications: int = 0
    leak_shifts: int = 0


def neuron_operations(blueprint: Blueprint, flow: FanOut) -> NeuronOperations:
    """Count them from the plan; graded values are neither shifted nor compared."""
    plan = blueprint.plan
    shapes = plan.shapes
    # steps of what flows out of each node, if its spikes have to be shifted
    shifted_steps = {each.name: 0 for each in plan.inputs}
    shifts = compares = resets = injections = leak_multiplications = leak_shifts = 0
    drives = plan.drives
    for node in plan.nodes:
        arriving = max(shifted_steps[name] for name in node.inputs)
        if isinstance(node.op, Product):
            shifts += arriving * elements(op_shape(node, shapes, blueprint.array(node, "weight")))
        elif not node.op.linear:
            shifts += sum(shifted_steps[name] * elements(shapes[name]) for name in node.inputs)
        if isinstance(node, Stage):
            code = node.firing.code
            schedule = node.firing.schedule
            steps = elements(node.shape) * (code.steps + schedule.replayed_steps(code))
            compares += steps + elements(node.shape) * node.firing.law.compares_once
            resets += steps if node.firing.law.resets else 0
            leak = node.firing.law.leak
            if 0 < leak < 1 and bool(powers_of_two(torch.tensor(leak, dtype=torch.float64))):
                leak_shifts += steps
            elif 0 < leak < 1:
                leak_multiplications += steps
            if not schedule.waits and code.timesteps > 1 and drives[node.name] == (code.steps, True):
                injections += steps
            shifted_steps[node.name] = code.timesteps if max(code.step_weights) > 1 else 0
        else:
            shifted_steps[node.name] = 0 if node.name in flow.numbers else arriving
    return NeuronOperations(
        shifts=shifts,
        compares=compares,
        resets=resets,
        injections=injections,
        leak_multiplications=leak_multiplications,
        leak_shifts=leak_shifts,
    )
