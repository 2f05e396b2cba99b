"""A mean is a sum, and what it divides by is worth; it is exact only over values of one worth."""

import torch

from spikewright.ann.ops import Averaging
from spikewright.ann.ops.pools import AdaptiveAveragePool, AveragePool, Mean
from spikewright.engines.lower.integers import Flow, Lower, Lowering
from spikewright.errors import NotExact


def _mean(lowering: Lowering) -> Flow:
    op, flow = lowering.node.op, lowering.inputs[0]
    assert isinstance(op, Averaging)
    divisor = op.common_divisor(lowering.given[0])
    lowering.instruction.after = torch.tensor(float(divisor)).double()
    worth = flow.worth
    if worth.numel() > 1:
        full, axes = worth.expand(lowering.given[0]), op.axes(lowering.given[0])
        low, high = full.amin(axes, keepdim=True), full.amax(axes, keepdim=True)
        if not torch.equal(low, high):
            name = lowering.node.name
            raise NotExact(f"node {name!r} averages spikes worth different amounts: use one threshold per layer")
        worth = high.reshape(op.without(tuple(high.shape)))
    return Flow(worth / divisor, flow.largest * divisor, flow.signed)


RULES: dict[type, Lower] = dict.fromkeys((AveragePool, AdaptiveAveragePool, Mean), _mean)
