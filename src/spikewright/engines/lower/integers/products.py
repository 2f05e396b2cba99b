"""Products: the weight is stored as integers, with what its inputs are worth inside."""

import torch

from spikewright.ann.ops import Product
from spikewright.ann.ops.layout import per_channel
from spikewright.ann.ops.products import Conv, Linear
from spikewright.engines.lower.integers import Flow, Lower, Lowering, positive
from spikewright.errors import NotExact


def _linear(lowering: Lowering) -> Flow:
    """A matrix product reads its last axis: what is worth the same along it stays outside."""
    flow = lowering.inputs[0]
    by_row = flow.worth.dim() > 1 and flow.worth.shape[-1] == 1
    if by_row:
        inside = Flow(torch.ones((), dtype=torch.float64), flow.largest, flow.signed)
        made = _product(lowering, inside)
        return Flow(made.worth * flow.worth, made.largest)
    if lowering.node.weights is not None:
        flow = _one_worth(lowering, flow)
    if flow.worth.dim() > 1:
        raise NotExact(_by_position(lowering))
    return _product(lowering, flow)


def _conv(lowering: Lowering) -> Flow:
    flow = lowering.inputs[0]
    return _product(lowering, flow if lowering.node.weights is None else _one_worth(lowering, flow))


def _one_worth(lowering: Lowering, flow: Flow) -> Flow:
    """What stored weights read: they cannot take a worth by channel in, so it is put on one grid before them."""
    return flow if flow.worth.numel() == 1 else lowering.join([flow], sum)


def _product(lowering: Lowering, flow: Flow) -> Flow:
    op, weight, gain, instruction = (
        lowering.node.op,
        lowering.array("weight"),
        lowering.array("gain"),
        lowering.instruction,
    )
    assert isinstance(op, Product)
    assert weight is not None
    worth = per_channel(flow.worth, (op.in_channels(weight), *(1,) * (weight.dim() - 2)))
    if worth is None:
        raise NotExact(_by_position(lowering))
    if gain is None:
        stored, scale = lowering.weights.store(op.scale_inputs(weight, worth))
    else:
        if not bool((gain > 0).all()):  # it may be negative, or 0: its sign is a factor of its own
            instruction.after = gain.sign()
        stored, scale = weight, positive(gain) * worth[0]
    instruction.weight = stored.double()
    if gain is None and scale.numel() > 1 and not op.outputs_come_first:
        raise NotExact(f"node {lowering.node.name!r}: a transposed convolution needs one weight scale per tensor")
    scale = scale.reshape(()) if scale.numel() == 1 else scale.reshape(-1, *(1,) * op.space)
    return Flow(scale, op.reach(instruction.weight) * flow.largest)


def _by_position(lowering: Lowering) -> str:
    name = lowering.node.name
    return f"node {name!r} reads values worth different amounts by position: use one threshold per layer"


RULES: dict[type, Lower] = {Linear: _linear, Conv: _conv}
