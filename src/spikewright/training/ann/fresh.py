"""A captured network with new random weights: the same graph and shapes, nothing of what was learned.

    matrix products, and all biases:  U(−1/√f, 1/√f),  f = inputs of one output   (PyTorch's own start)
    convolutions:                     N(0, 2 / fan-out)                           (`models/initialise.py`)
    batch norms:                      weight 1, bias 0, mean 0, variance 1
Thresholds and constants of the user's forward stay: they are no learned weights of a layer.

Source: "Reliability-Aware Hyperparameter Optimization for ANN-to-SNN Conversion", §I: only the architecture of the
trained network is used. Differs: the paper does not say how weights start.
"""

import math
from dataclasses import replace

import torch
from torch import Tensor

from spikewright.ann.ops import Product
from spikewright.ann.source import Source, SourceNode

_NORM = {"weight": 1.0, "bias": 0.0, "mean": 0.0, "variance": 1.0}


def fresh(source: Source, *, seed: int) -> Source:
    """The network with weights drawn by `seed`; an array that several nodes share is drawn once."""
    arrays, drawn = dict(source.arrays), set[str]()
    generator = torch.Generator().manual_seed(seed)
    for node in source.nodes:
        for role, name in node.arrays:
            if name in drawn:
                continue
            drawn.add(name)
            made = _drawn(source, node, role, generator)
            arrays[name] = arrays[name] if made is None else made.to(arrays[name].dtype)
    return replace(source, arrays=arrays)


def _drawn(source: Source, node: SourceNode, role: str, generator: torch.Generator) -> Tensor | None:
    array = source.array(node, role)
    assert array is not None
    if node.op.normalises and role in _NORM:
        return torch.full(array.shape, _NORM[role])
    weight = source.array(node, "weight")
    if not isinstance(node.op, Product) or weight is None or role not in ("weight", "bias"):
        return None
    inputs = node.op.outputs_first(weight)[0].numel()
    if node.op.space and role == "weight":
        # an input reaches the outputs of its own group alone
        fan_out = node.op.fan_out(weight)
        return torch.randn(array.shape, generator=generator) * math.sqrt(2 / fan_out)
    reach = 1 / math.sqrt(inputs)
    return (2 * torch.rand(array.shape, generator=generator) - 1) * reach
