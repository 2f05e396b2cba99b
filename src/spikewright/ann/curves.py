"""Scalar functions g that activations are made of: each rises, or falls to one minimum and then rises.

    gelu z·Φ(z), silu z·σ(z), hardswish z·clip(z/6 + ½, 0, 1), mish z·tanh(softplus(z)), elu, softplus, sigmoid,
    tanh, hardsigmoid clip(z/6 + ½, 0, 1), prelu, threshold, abs, and z itself
Each says how far down and up it goes, where its minimum is, how steep it can be, and how it is computed. Knows nothing
about levels or spikes.

Source: Hendrycks and Gimpel 2016 (gelu), Ramachandran et al. 2017 (silu), Howard et al. 2019 (hardswish), Misra 2019
(mish), Clevert et al. 2016 (elu), He et al. 2015 (prelu), with the parameters that torch gives them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

NONE: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """How far a function goes down and up, for its parameters; None: without end."""

    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One scalar function.

    Attributes:
        evaluate: (z, parameters, slope) → g(z), elementwise; `slope` is one number, or one a channel, of prelu.
        range: parameters → its range.
        minimum: where its one minimum is, and it falls before; None: it rises everywhere.
        steepness: parameters → the most that |g'| can be; of prelu besides its slope.
        jump: parameters → where it jumps upwards, if it does.
        parameters: how many it has.
    """

    evaluate: Callable[[Tensor, Sequence[float], Tensor | None], Tensor]
    range: Callable[[Sequence[float]], Range]
    minimum: float | None = None
    steepness: Callable[[Sequence[float]], float] = lambda parameters: 1.0  # noqa: ARG005
    jump: Callable[[Sequence[float]], float] | None = None
    parameters: int = 0


def _gelu(z: Tensor, parameters: Sequence[float], slope: Tensor | None) -> Tensor:  # noqa: ARG001
    return z * (0.5 * torch.erfc(z * -math.sqrt(0.5)))


def _gelu_tanh(z: Tensor, parameters: Sequence[float], slope: Tensor | None) -> Tensor:  # noqa: ARG001
    return z * torch.sigmoid(2 * math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))


def _silu(z: Tensor, parameters: Sequence[float], slope: Tensor | None) -> Tensor:  # noqa: ARG001
    return z / (1 + torch.exp(-z))


def _hardswish(z: Tensor, parameters: Sequence[float], slope: Tensor | None) -> Tensor:  # noqa: ARG001
    return z * (z + 3).clamp(0, 6) / 6


def _mish(z: Tensor, parameters: Sequence[float], slope: Tensor | None) -> Tensor:  # noqa: ARG001
    return z * torch.tanh(torch.log1p(torch.exp(-z.abs())) + z.clamp(min=0))


def _sigmoid(z: Tensor, parameters: Sequence[float], slope: Tensor | None) -> Tensor:  # noqa: ARG001
    return 1 / (1 + torch.exp(-z))


def _hardsigmoid(z: Tensor, parameters: Sequence[float], slope: Tensor | None) -> Tensor:  # noqa: ARG001
    return (z + 3).clamp(0, 6) / 6


def _tanh(z: Tensor, parameters: Sequence[float], slope: Tensor | None) -> Tensor:  # noqa: ARG001
    return torch.sign(z) * -torch.expm1(-2 * z.abs()) / (1 + torch.exp(-2 * z.abs()))


def _softplus(z: Tensor, parameters: Sequence[float], slope: Tensor | None) -> Tensor:  # noqa: ARG001
    beta, linear_from = parameters
    scaled = z * beta
    bent = (torch.log1p(torch.exp(-scaled.abs())) + scaled.clamp(min=0)) / beta
    return torch.where(scaled > linear_from, z, bent)


def _elu(z: Tensor, parameters: Sequence[float], slope: Tensor | None) -> Tensor:  # noqa: ARG001
    alpha, scale, input_scale = parameters
    return scale * torch.where(z > 0, z, alpha * torch.expm1(z.clamp(max=0) * input_scale))


def _prelu(z: Tensor, parameters: Sequence[float], slope: Tensor | None) -> Tensor:  # noqa: ARG001
    assert slope is not None
    return torch.where(z > 0, z, z * slope)


def _threshold(z: Tensor, parameters: Sequence[float], slope: Tensor | None) -> Tensor:  # noqa: ARG001
    least, otherwise = parameters
    return torch.where(z > least, z, torch.full_like(z, otherwise))


def _identity(z: Tensor, parameters: Sequence[float], slope: Tensor | None) -> Tensor:  # noqa: ARG001
    return z


def _abs(z: Tensor, parameters: Sequence[float], slope: Tensor | None) -> Tensor:  # noqa: ARG001
    return torch.maximum(z, -z)


def _down_to(low: float) -> Callable[[Sequence[float]], Range]:
    return lambda parameters: Range(low=low)  # noqa: ARG005


def _between(low: float, high: float) -> Callable[[Sequence[float]], Range]:
    return lambda parameters: Range(low=low, high=high)  # noqa: ARG005


def _at_most(steepness: float) -> Callable[[Sequence[float]], float]:
    return lambda parameters: steepness  # noqa: ARG005


# Minima and their places to the last bit of float64, by roots of g' in 40 digits
FUNCTIONS: dict[str, Function] = {
    "gelu": Function(
        evaluate=_gelu,
        range=_down_to(-0.16997120747990366),
        minimum=-0.7517915246935645,
        steepness=_at_most(1.13),
    ),
    "gelu_tanh": Function(
        evaluate=_gelu_tanh,
        range=_down_to(-0.17004075057125406),
        minimum=-0.7524614220710163,
        steepness=_at_most(1.13),
    ),
    "silu": Function(
        evaluate=_silu, range=_down_to(-0.2784645427610738), minimum=-1.2784645427610737, steepness=_at_most(1.1)
    ),
    "hardswish": Function(evaluate=_hardswish, range=_down_to(-0.375), minimum=-1.5, steepness=_at_most(1.5)),
    "mish": Function(
        evaluate=_mish, range=_down_to(-0.30884341301725043), minimum=-1.1924312145154952, steepness=_at_most(1.09)
    ),
    "sigmoid": Function(evaluate=_sigmoid, range=_between(0, 1), steepness=_at_most(0.25)),
    "hardsigmoid": Function(evaluate=_hardsigmoid, range=_between(0, 1), steepness=_at_most(1 / 6)),
    "tanh": Function(evaluate=_tanh, range=_between(-1, 1)),
    "softplus": Function(evaluate=_softplus, range=_down_to(0), parameters=2),
    "elu": Function(
        evaluate=_elu,
        range=lambda parameters: Range(low=-parameters[0] * parameters[1]),
        steepness=lambda parameters: parameters[1] * max(1.0, parameters[0] * parameters[2]),
        parameters=3,
    ),
    "prelu": Function(evaluate=_prelu, range=lambda parameters: Range(), minimum=0.0),  # noqa: ARG005
    "threshold": Function(
        evaluate=_threshold,
        range=lambda parameters: Range(low=parameters[1]),
        jump=lambda parameters: parameters[0],
        parameters=2,
    ),
    "identity": Function(evaluate=_identity, range=lambda parameters: Range()),  # noqa: ARG005
    "abs": Function(evaluate=_abs, range=_down_to(0), minimum=0.0),
}
