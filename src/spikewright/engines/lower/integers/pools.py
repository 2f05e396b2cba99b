"""A mean is a sum, and what it divides by is worth; like a maximum, it is exact only over values of one worth."""

import torch
from torch import Tensor

from spikewright.ann.ops import Averaging, Maximum
from spikewright.ann.ops.pools import AdaptiveAveragePool, AdaptiveMaxPool, AveragePool, MaxPool, Mean
from spikewright.engines.lower.integers import Flow, Lower, Lowering
from spikewright.errors import NotExact


def _mean(lowering: Lowering) -> Flow:
    op, flow = lowering.node.op, lowering.inputs[0]
    assert isinstance(op, Averaging)
    divisor = op.common_divisor(lowering.given[0])
    lowering.instruction.after = torch.tensor(float(divisor)).double()
    worth = _one_worth(lowering, op.axes(lowering.given[0]), "averages")
    if worth.numel() > 1:
        worth = worth.reshape(op.without(tuple(worth.shape)))
    return Flow(worth / divisor, flow.largest * divisor, flow.signed)


def _largest(lowering: Lowering) -> Flow:
    op, flow, given = lowering.node.op, lowering.inputs[0], lowering.given[0]
    assert isinstance(op, Maximum)
    return Flow(_one_worth(lowering, op.axes(given), "takes the largest of"), flow.largest, flow.signed)


def _one_worth(lowering: Lowering, axes: tuple[int, ...], what: str) -> Tensor:
    """What each value is worth, the same all along `axes`: one number, or [*given] with these axes as 1."""
    worth = lowering.inputs[0].worth
    if worth.numel() == 1:
        return worth
    full = worth.expand(lowering.given[0])
    low, high = full.amin(axes, keepdim=True), full.amax(axes, keepdim=True)
    if not torch.equal(low, high):
        name = lowering.node.name
        raise NotExact(f"node {name!r} {what} spikes worth different amounts: use one threshold per layer")
    return high


RULES: dict[type, Lower] = {
    **dict.fromkeys((AveragePool, AdaptiveAveragePool, Mean), _mean),
    **dict.fromkeys((MaxPool, AdaptiveMaxPool), _largest),
}
