"""What moves values and computes nothing."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from spikewright.ann.meaning import Meaning
from spikewright.ann.ops.moves import Concat, Gather, Identity, Permute, Reshape, Slice, ZeroPad

Inputs = Sequence[Tensor]
Roles = Mapping[str, Tensor]


def _identity(op: Identity, inputs: Inputs, roles: Roles, training: bool) -> Tensor:  # noqa: ARG001
    return inputs[0]


def _concat(op: Concat, inputs: Inputs, roles: Roles, training: bool) -> Tensor:  # noqa: ARG001
    return torch.cat(list(inputs), op.dim)


def _reshape(op: Reshape, inputs: Inputs, roles: Roles, training: bool) -> Tensor:  # noqa: ARG001
    return inputs[0].flatten(1).unflatten(1, op.shape) if op.shape else inputs[0].flatten()


def _permute(op: Permute, inputs: Inputs, roles: Roles, training: bool) -> Tensor:  # noqa: ARG001
    return torch.permute(inputs[0], op.dims)


def _slice(op: Slice, inputs: Inputs, roles: Roles, training: bool) -> Tensor:  # noqa: ARG001
    places = torch.arange(op.start, op.stop, op.step, device=inputs[0].device)
    return torch.index_select(inputs[0], op.dim, places)


def _zero_pad(op: ZeroPad, inputs: Inputs, roles: Roles, training: bool) -> Tensor:  # noqa: ARG001
    return F.pad(inputs[0], op.pads, value=0.0)


def _gather(op: Gather, inputs: Inputs, roles: Roles, training: bool) -> Tensor:  # noqa: ARG001
    return torch.stack([inputs[0].select(op.dim, place) for place in op.index], op.dim)


RULES: dict[type, Meaning] = {
    Identity: _identity,
    Concat: _concat,
    Gather: _gather,
    Reshape: _reshape,
    Permute: _permute,
    Slice: _slice,
    ZeroPad: _zero_pad,
}
