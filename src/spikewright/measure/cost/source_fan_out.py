"""What a step of each activation would cost if all its neurons spiked: accumulations, from the source alone.

A reverse pass over the captured graph, before any conversion. An element that is not zero pays one
accumulation for each weight it meets, zero or not, and one for each sum or activation that reads it as it is;
batch norm and constants are taken as folded. What is averaged without an activation of its own pays what each
window has to pay there. Of a max pool's window one element passes, so its price is shared out evenly.

It says where a timestep is dear before there is a spiking network; `fan_out.fan_out` counts a network that is
there, neuron by neuron. Knows nothing about how often anything spikes.
"""

import torch
from torch import Tensor

from spikewright.ann.source import INPUT, Source, SourceNode
from spikewright.measure.cost.events import Reading
from spikewright.measure.cost.fan_out import EVENTS


def accumulations_per_step(source: Source) -> dict[str, int]:
    """For each activation, the accumulations that follow when each of its neurons spikes once."""
    shapes = {INPUT: source.input_shape, **{node.name: node.shape for node in source.nodes}}
    demand = {name: torch.zeros(shape, dtype=torch.float64) for name, shape in shapes.items()}
    demand[source.output] += 1
    for node in reversed(source.nodes):
        given = [shapes[name] for name in node.inputs]
        for name, cost in zip(node.inputs, _costs(node, source, given, demand[node.name]), strict=True):
            demand[name] = demand[name] + cost
    return {node.name: round(float(demand[node.name].sum())) for node in source.activations}


def fired_shapes(source: Source) -> dict[str, tuple[int, ...]]:
    """For each activation, the shape in which it fires: behind the max pools that alone read it."""
    readers = source.consumers
    found: dict[str, tuple[int, ...]] = {}
    for node in source.activations:
        last = node
        while len(readers[last.name]) == 1 and readers[last.name][0].op.maximum:
            last = readers[last.name][0]
        found[node.name] = last.shape
    return found


def _costs(node: SourceNode, source: Source, given: list[tuple[int, ...]], later: Tensor) -> list[Tensor]:
    """What one event at each element of each input pays here, or `later` [*made] where it is passed on."""
    weight = source.array(node, "weight")
    return EVENTS[node.op](Reading(node.op, given, node.shape, later, weight=weight, dense=True, scale_folds=True))
