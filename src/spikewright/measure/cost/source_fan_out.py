"""What a step of each activation would cost if all its neurons spiked: accumulations, from the source alone.

A reverse pass over the captured graph, before any conversion. An element that is not zero pays one
accumulation for each weight it meets, zero or not, and one for each sum or activation that reads it as it is; a sum
of activations that none follows is composed with what does, as `fan_out` has it;
batch norm and constants are taken as folded. What is averaged without an activation of its own pays what each
window has to pay there. Of a max pool's window one element passes, so its price is shared out evenly.

It says where a timestep is dear before there is a spiking network; `fan_out.fan_out` counts a network that is
there, neuron by neuron. Knows nothing about how often anything spikes.
"""

import torch

from spikewright.ann.ops import Activating, Product
from spikewright.ann.source import Source, SourceNode
from spikewright.measure.cost.events import Reading
from spikewright.measure.cost.fan_out import EVENTS


def accumulations_per_step(source: Source) -> dict[str, int]:
    """For each activation, the accumulations that follow when each of its neurons spikes once."""
    shapes = source.shapes
    demand = {name: torch.zeros(shape, dtype=torch.float64) for name, shape in shapes.items()}
    for output in source.outputs:
        demand[output.node] += 1
    numbers, fires = _numbers(source), _fires(source)
    for node in reversed(source.nodes):
        given = [shapes[name] for name in node.inputs]
        reading = Reading(
            node.op,
            given,
            node.shape,
            demand[node.name],
            weight=source.array(node, "weight"),
            dense=True,
            scale_folds=True,
            graded=torch.tensor(node.name in numbers or node.name in fires) if node.op.adds else None,
        )
        for name, cost in zip(node.inputs, EVENTS[node.op](reading), strict=True):
            demand[name] = demand[name] + cost
    return {node.name: round(float(demand[node.name].sum())) for node in source.activations}


def fired_shapes(source: Source) -> dict[str, tuple[int, ...]]:
    """For each activation, the shape in which it fires: behind the max pools that alone read it, or a map of it."""
    readers = source.consumers
    found: dict[str, tuple[int, ...]] = {}
    for node in source.activations:
        last = node
        found[node.name] = node.shape
        while len(readers[last.name]) == 1:
            last = readers[last.name][0]
            if last.op.maximum:
                found[node.name] = last.shape
            elif not (last.op.normalises or last.op.scales or last.op.passes or last.op.offsets):
                break
    return found


def _numbers(source: Source) -> set[str]:
    """The nodes whose values would not be spikes: products make numbers, activations spikes."""
    found = {each.name for each in source.inputs if each.ids is None}
    for node in source.nodes:
        made = isinstance(node.op, Product) or not (node.op.linear or node.op.maximum or node.op.activates)
        passed = not isinstance(node.op, Activating) and any(name in found for name in node.inputs)
        if made or passed:
            found.add(node.name)
    return found


def _fires(source: Source) -> set[str]:
    """The nodes whose value a stage fires by: activations alone read it, behind norms, constants and max pools."""
    found, readers = set[str](), source.consumers
    for node in reversed(source.nodes):
        behind = [
            isinstance(one.op, Activating) or (_before_firing(one) and one.name in found) for one in readers[node.name]
        ]
        if behind and all(behind):
            found.add(node.name)
    return found


def _before_firing(node: SourceNode) -> bool:
    op = node.op
    numbers = not (op.linear or op.maximum)
    return not (isinstance(op, Product | Activating) or op.adds or op.averages or op.moves or numbers)
