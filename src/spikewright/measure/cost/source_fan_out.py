"""What a step of each activation would cost if all its neurons spiked: accumulations, from the source alone.

A reverse pass over the captured graph, before any conversion. An element that is not zero pays one
accumulation for each weight it meets, zero or not, and one for each sum or activation that reads it as it is;
batch norm and constants are taken as folded. What is averaged without an activation of its own pays what each
window has to pay there. Of a max pool's window one element passes, so its price is shared out evenly.

It says where a timestep is dear before there is a spiking network; `flow.fan_out` counts a network that is
there, neuron by neuron. Knows nothing about how often anything spikes.
"""

import torch
from torch import Tensor

from spikewright.ann import ops
from spikewright.ann import source as src
from spikewright.ann.source import INPUT, Source, SourceNode
from spikewright.measure.cost.synapses import elements, spread_over_windows, weights_met


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
        while len(readers[last.name]) == 1 and isinstance(readers[last.name][0].op, ops.Pooling):
            last = readers[last.name][0]
        found[node.name] = last.shape
    return found


def _costs(node: SourceNode, source: Source, given: list[tuple[int, ...]], later: Tensor) -> list[Tensor]:
    """What one event at each element of each input pays here, or `later` [*made] where it is passed on."""
    match node.op:
        case ops.Linear() | ops.Conv():
            weight = source.arrays[dict(node.arrays)["weight"]]
            return [weights_met(node.op, weight, given=given[0], made=node.shape, dense=True)]
        case ops.AveragePool() | ops.AdaptiveAveragePool() | ops.Mean():
            return [spread_over_windows(node.op, later, given[0])]
        case ops.MaxPool() | ops.AdaptiveMaxPool():
            return [torch.full(given[0], float(later.sum()) / elements(given[0]), dtype=torch.float64)]
        case src.Activation():
            return [torch.ones(given[0], dtype=torch.float64)]
        case ops.Add():
            return [torch.ones(1, *node.shape).double().sum_to_size(1, *shape)[0] for shape in given]
        case src.BatchNorm() | src.Offset() | ops.Scale():
            return [later.unsqueeze(0).sum_to_size(1, *given[0])[0]]
        case _:
            return _moved_back(node.op, given, later)


def _moved_back(op: ops.Moving, given: list[tuple[int, ...]], later: Tensor) -> list[Tensor]:
    """Carry a price back through an operation that only moves elements: its transpose."""
    with torch.inference_mode(False), torch.enable_grad():
        inputs = [torch.zeros(1, *shape, dtype=torch.float64, requires_grad=True) for shape in given]
        found = torch.autograd.grad(op(inputs), inputs, later.unsqueeze(0).clone())
    return [part[0] for part in found]
