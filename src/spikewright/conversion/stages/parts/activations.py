"""Batch norm is a gain and a constant; an offset a constant alone; an activation marks what fires."""

import torch

from spikewright.ann.ops.activations import Activation, BatchNorm, Offset
from spikewright.ann.ops.arithmetic import Scale
from spikewright.ann.ops.moves import Identity
from spikewright.conversion.stages.parts import Part, Take, Taken, as_it_is


def _batch_norm(part: Part) -> Taken:
    op, roles = part.op, part.roles
    assert isinstance(op, BatchNorm)
    gain = roles.get("weight", torch.ones_like(roles["mean"])) / (roles["variance"] + op.epsilon).sqrt()
    shift = roles.get("bias", torch.zeros_like(gain)) - roles["mean"] * gain
    return Taken(Scale(), part.by_channel(gain), part.by_channel(shift))


def _offset(part: Part) -> Taken:
    if part.given == part.shape:
        return Taken(Identity(), own=part.roles["offset"])
    # the constant widens the signal
    return Taken(Scale(), torch.ones(part.shape, dtype=torch.float64), part.roles["offset"])


RULES: dict[type, Take] = {BatchNorm: _batch_norm, Offset: _offset, Activation: as_it_is}
