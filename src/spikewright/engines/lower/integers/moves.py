"""What moves integers moves what they are worth."""

import torch

from spikewright.ann.ops.layout import compact
from spikewright.ann.ops.moves import Concat, Gather, Identity, Permute, Reshape, Slice, ZeroPad
from spikewright.engines.lower.integers import Flow, Lower, Lowering


def _moved(lowering: Lowering) -> Flow:
    flow = lowering.inputs[0]
    if flow.worth.numel() == 1:
        return flow
    worth = lowering.node.op([flow.worth.expand(lowering.given[0]).unsqueeze(0)])[0]
    # Padding has no worth of its own: it takes its channel's
    around = worth.amax(tuple(range(1, worth.dim())), keepdim=True) if worth.dim() > 1 else worth
    worth = torch.where(worth == 0, around, worth)
    return Flow(compact(torch.where(worth == 0, 1.0, worth)), flow.largest, flow.signed)


def _concat(lowering: Lowering) -> Flow:
    return lowering.join(lowering.inputs, max)


RULES: dict[type, Lower] = {
    **dict.fromkeys((Identity, Gather, Reshape, Permute, Slice, ZeroPad), _moved),
    Concat: _concat,
}
