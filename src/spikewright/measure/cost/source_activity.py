"""What an ANN would save if it, too, skipped its zeros: the MACs whose activation is not zero.

A comparison with a dense ANN flatters a spiking network, since zero-skipping accelerators exist; this is the
figure to set beside it. Weights that are zero are still counted. Knows nothing about spikes.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.ends import Batch, values_at_start
from spikewright.ann.ops import Product
from spikewright.ann.source import Source, SourceNode
from spikewright.measure.cost.synapses import weights_met


def macs_per_element(source: Source) -> dict[str, Tensor]:
    """For each value that matrix products or convolutions read: MACs by element, [*features] float64."""
    shapes = source.shapes
    found: dict[str, Tensor] = {}
    for node in source.nodes:
        if isinstance(node.op, Product):
            read, weight = node.inputs[0], source.arrays[dict(node.arrays)["weight"]]
            met = weights_met(node.op, weight, given=shapes[read], made=node.shape, dense=True)
            found[read] = found[read] + met if read in found else met
    return found


def nonzero_macs(source: Source, x: Batch, *, per_element: Mapping[str, Tensor]) -> int:
    """MACs with non-zero activations of the source as trained on a batch [N, *input_shape], all samples.

    Args:
        source: the network.
        x: prepared inputs.
        per_element: `macs_per_element(source)`.

    """
    values = values_at_start(source.inputs, x, source.dtype)
    found = [_met(value, per_element[name]) for name, value in values.items() if name in per_element]

    def watch(node: SourceNode, value: Tensor) -> None:
        if node.name in per_element:
            found.append(_met(value, per_element[node.name]))

    with torch.no_grad():
        interpreter.run(source, x, watch=watch)
    return sum(found)


def _met(value: Tensor, macs: Tensor) -> int:
    active = (value != 0).sum(0, dtype=torch.float64).cpu()
    return int(torch.dot(active.flatten(), macs.flatten()))
