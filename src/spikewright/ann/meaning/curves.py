"""Activations that are no ReLU, by torch's own functions, and rounded as they were trained with levels."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from spikewright.ann.meaning import Meaning
from spikewright.ann.ops.curves import Curve
from spikewright.ann.rounding import rounded

Apply = Callable[[Tensor, Sequence[float], Mapping[str, Tensor]], Tensor]


def _prelu(z: Tensor, parameters: Sequence[float], roles: Mapping[str, Tensor]) -> Tensor:  # noqa: ARG001
    return F.relu(z) - roles["slope"] * F.relu(-z)


def _elu(z: Tensor, parameters: Sequence[float], roles: Mapping[str, Tensor]) -> Tensor:  # noqa: ARG001
    alpha, scale, input_scale = parameters
    return torch.ops.aten.elu(z, alpha, scale, input_scale)


_APPLY: dict[str, Apply] = {
    "gelu": lambda z, parameters, roles: F.gelu(z),  # noqa: ARG005
    "gelu_tanh": lambda z, parameters, roles: F.gelu(z, approximate="tanh"),  # noqa: ARG005
    "silu": lambda z, parameters, roles: F.silu(z),  # noqa: ARG005
    "hardswish": lambda z, parameters, roles: F.hardswish(z),  # noqa: ARG005
    "mish": lambda z, parameters, roles: F.mish(z),  # noqa: ARG005
    "sigmoid": lambda z, parameters, roles: torch.sigmoid(z),  # noqa: ARG005
    "hardsigmoid": lambda z, parameters, roles: F.hardsigmoid(z),  # noqa: ARG005
    "tanh": lambda z, parameters, roles: torch.tanh(z),  # noqa: ARG005
    "softplus": lambda z, parameters, roles: F.softplus(z, *parameters),  # noqa: ARG005
    "elu": _elu,
    "prelu": _prelu,
    "threshold": lambda z, parameters, roles: F.threshold(z, parameters[0], parameters[1]),  # noqa: ARG005
    "identity": lambda z, parameters, roles: z,  # noqa: ARG005
    "abs": lambda z, parameters, roles: z.abs(),  # noqa: ARG005
}


def plain(op: Curve, z: Tensor, roles: Mapping[str, Tensor]) -> Tensor:
    """The function itself, without levels."""
    return _APPLY[op.function](z, op.parameters, roles)


def _curve(op: Curve, inputs: Sequence[Tensor], roles: Mapping[str, Tensor], training: bool) -> Tensor:  # noqa: ARG001
    value = plain(op, inputs[0], roles)
    if op.levels is None:
        return value
    threshold = roles["threshold"]
    if op.signed:
        return torch.sign(value.detach()) * rounded(value.abs(), threshold, op.levels)
    unit = threshold / op.levels
    below = op.below(unit.detach(), op.levels) * unit
    return rounded(value + below, threshold, op.levels) - below


RULES: dict[type, Meaning] = {Curve: _curve}
