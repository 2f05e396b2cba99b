"""Products and quotients of signals, maxima, norms, softmax: torch's own functions, or by other calls than `ops`."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from spikewright.ann.meaning import Meaning
from spikewright.ann.ops.graded import (
    Divide,
    Larger,
    Length,
    MatMul,
    Multiply,
    Normalise,
    Reciprocal,
    Smaller,
    Softmax,
)

Inputs = Sequence[Tensor]
Roles = Mapping[str, Tensor]


def _multiply(op: Multiply, inputs: Inputs, roles: Roles, training: bool) -> Tensor:  # noqa: ARG001
    return torch.mul(*inputs)


def _divide(op: Divide, inputs: Inputs, roles: Roles, training: bool) -> Tensor:  # noqa: ARG001
    return torch.div(*inputs)


def _reciprocal(op: Reciprocal, inputs: Inputs, roles: Roles, training: bool) -> Tensor:  # noqa: ARG001
    return 1 / inputs[0]


def _larger(op: Larger, inputs: Inputs, roles: Roles, training: bool) -> Tensor:  # noqa: ARG001
    return torch.where(inputs[0] >= inputs[1], inputs[0], inputs[1])


def _smaller(op: Smaller, inputs: Inputs, roles: Roles, training: bool) -> Tensor:  # noqa: ARG001
    return torch.where(inputs[0] <= inputs[1], inputs[0], inputs[1])


def _matmul(op: MatMul, inputs: Inputs, roles: Roles, training: bool) -> Tensor:  # noqa: ARG001
    return torch.einsum("...ij,...jk->...ik", *inputs)


def _normalise(op: Normalise, inputs: Inputs, roles: Roles, training: bool) -> Tensor:  # noqa: ARG001
    last = tuple(range(-len(op.dims), 0))
    rows = inputs[0].movedim(op.dims, last)
    call = F.layer_norm if op.centred else F.rms_norm
    return call(rows, list(rows.shape[-len(op.dims) :]), eps=op.epsilon).movedim(last, op.dims)


def _softmax(op: Softmax, inputs: Inputs, roles: Roles, training: bool) -> Tensor:  # noqa: ARG001
    return torch.softmax(inputs[0], op.dim)


def _length(op: Length, inputs: Inputs, roles: Roles, training: bool) -> Tensor:  # noqa: ARG001
    length = torch.linalg.vector_norm(inputs[0], dim=op.dims, keepdim=op.keepdim)
    return torch.clamp_min(length, op.least)


RULES: dict[type, Meaning] = {
    Multiply: _multiply,
    Divide: _divide,
    Reciprocal: _reciprocal,
    Larger: _larger,
    Smaller: _smaller,
    MatMul: _matmul,
    Normalise: _normalise,
    Softmax: _softmax,
    Length: _length,
}
