"""Post-training quantisation: the weights of a trained network as b-bit integers, with no training at all.

    Blueprint → Blueprint whose nodes hold integers and a gain         (spiking networks, converted or trained)
    Source → stored integers by array name → Source                    (ordinary networks)
Weights are those of matrix products and convolutions; biases, batch norms and thresholds stay as they are. These are
the integers that a memory holds, and that a bit flip hits.

Source: "Reliability-Aware Hyperparameter Optimization for ANN-to-SNN Conversion", §III, which says no more than the
number of bits; symmetric, half to even, one scale a tensor or one an output channel (`snn/formats/uniform.py`) is this
library's.
"""

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from spikewright.ann.ops import Product
from spikewright.ann.source import Source
from spikewright.errors import BadModel
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.stored import Stored
from spikewright.snn.formats.uniform import Uniform
from spikewright.snn.nodes import Node


def quantise(blueprint: Blueprint, weights: Uniform) -> Blueprint:
    """A network whose weights are stored in a format; nodes that store theirs already keep them."""
    nodes: list[Node] = []
    arrays = dict(blueprint.arrays)
    for node in blueprint.plan.nodes:
        if node.weights is not None or not isinstance(node.op, Product):
            nodes.append(node)
            continue
        _, integers, scale = _store(node.op, arrays[f"{node.name}.weight"], weights)
        arrays[f"{node.name}.weight"] = integers
        arrays[f"{node.name}.gain"] = scale.reshape(-1, *(1,) * node.op.space) if weights.per_channel else scale
        nodes.append(replace(node, weights=weights))
    return Blueprint(replace(blueprint.plan, nodes=tuple(nodes)), arrays)


def store(source: Source, weights: Uniform) -> dict[str, Stored]:
    """The stored integers of an ordinary network, by the name of the array, which several nodes may share.

    Raises:
        BadModel: the network has no weights to store.
    """
    found: dict[str, Stored] = {}
    for node in source.nodes:
        if isinstance(node.op, Product):
            name = dict(node.arrays)["weight"]
            found[name] = _store(node.op, source.arrays[name], weights)
    if not found:
        raise BadModel("the network has no matrix product and no convolution: there are no weights to store")
    return found


def load(source: Source, stored: Mapping[str, Stored]) -> Source:
    """The network that stored integers make: `source` with these weights in place of its own.

    Raises:
        BadModel: an array that the network does not have, or of another shape.
    """
    arrays: dict[str, Tensor] = dict(source.arrays)
    for name, entry in stored.items():
        if name not in arrays or arrays[name].shape != entry.integers.shape:
            raise BadModel(
                f"the network has no weights {name!r} of shape {tuple(entry.integers.shape)}: store them anew"
            )
        arrays[name] = _real(source, name, entry).to(arrays[name].dtype)
    return replace(source, arrays=arrays)


def _real(source: Source, name: str, entry: Stored) -> Tensor:
    op = next(node.op for node in source.nodes if name in dict(node.arrays).values())
    assert isinstance(op, Product)
    channels = op.out_channels(entry.integers)
    return op.scale_outputs(entry.integers.to(entry.scale.dtype), entry.scale.reshape(-1).expand(channels))


def _store(op: Product, weight: Tensor, weights: Uniform) -> Stored:
    integers, scale = weights.store(op.outputs_first(weight))
    return Stored(weights, op.as_laid_out(integers), scale)
