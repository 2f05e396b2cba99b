"""The Heaviside step with a gradient: a tie fires forward, a shape of finite width stands in for the slope backward.

    forward:  s = H(d), d = u − threshold            backward:  ds/dd = shape(d)
A shape's width is measured like the distance, so it means another thing where the threshold is another number.
All but the fast sigmoid are normalised: their integral over all distances is 1. Knows nothing about neurons.
"""

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from spikewright.errors import BadSetting, nearest
from spikewright.snn.trains import heaviside


class Shape(Protocol):
    """What stands in for the slope of the step; immutable, and equal where kind and width are."""

    @property
    def kind(self) -> str:
        """Its name."""
        ...

    @property
    def width(self) -> float:
        """How far from the threshold it reaches, measured like the distance; a wider one is flatter."""
        ...

    def slope(self, distance: Tensor) -> Tensor:
        """ds/dd at each distance to the threshold, of any shape and real dtype; even, never negative."""
        ...


@dataclass(frozen=True, slots=True)
class Rectangle:
    """1/width within half a width of the threshold; its integral is 1.

    Source: Wu et al. 2018 (spatio-temporal backpropagation), which QAC cites for its calibration.

    Raises:
        BadSetting: a width that is not finite and above 0.
    """

    width: float = 1.0
    kind: Literal["rectangle"] = "rectangle"

    def __post_init__(self) -> None:
        _require_width(self.width)

    def slope(self, distance: Tensor) -> Tensor:
        """The rectangle."""
        return (distance.abs() * 2 < self.width).to(distance.dtype) / self.width


@dataclass(frozen=True, slots=True)
class Triangle:
    """(1 − |d|/width)/width within a width of the threshold; its integral is 1.

    Source: Bellec et al. 2018 (the piecewise linear pseudo-derivative), normalised. At width 1 it is that of Q-SNNs,
    max(0, β − |d|) with β = 1.

    Raises:
        BadSetting: a width that is not finite and above 0.
    """

    width: float = 1.0
    kind: Literal["triangle"] = "triangle"

    def __post_init__(self) -> None:
        _require_width(self.width)

    def slope(self, distance: Tensor) -> Tensor:
        """The triangle."""
        return (1 - distance.abs() / self.width).clamp(min=0) / self.width


@dataclass(frozen=True, slots=True)
class Arctangent:
    """1/width / (1 + (π·d/width)²), the slope of an arctangent; its integral is 1.

    Source: Fang et al. 2021; snnTorch's `atan(alpha)` is width 2/alpha, its default alpha = 2 width 1.

    Raises:
        BadSetting: a width that is not finite and above 0.
    """

    width: float = 1.0
    kind: Literal["arctangent"] = "arctangent"

    def __post_init__(self) -> None:
        _require_width(self.width)

    def slope(self, distance: Tensor) -> Tensor:
        """The bell of the arctangent, with heavy tails."""
        return (1 / self.width) / (1 + (distance * (math.pi / self.width)).square())


@dataclass(frozen=True, slots=True)
class FastSigmoid:
    """1/(1 + |d|/width)²; not normalised: it is 1 at the threshold, and its integral is 2·width.

    Source: Zenke and Ganguli 2018 (SuperSpike); snnTorch's `fast_sigmoid(slope)` is width 1/slope, its default slope
    of 25 width 0.04. So narrow, it lets little through: networks of several hidden layers may stay silent.

    Raises:
        BadSetting: a width that is not finite and above 0.
    """

    width: float = 0.04
    kind: Literal["fast_sigmoid"] = "fast_sigmoid"

    def __post_init__(self) -> None:
        _require_width(self.width)

    def slope(self, distance: Tensor) -> Tensor:
        """The slope of d/(1 + |d|/width)."""
        return 1 / (1 + distance.abs() * (1 / self.width)).square()


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """σ(d/width)·(1 − σ(d/width))/width, the slope of the logistic function; its integral is 1.

    Source: Zenke and Ganguli 2018 name it; snnTorch's `sigmoid(slope)` is width 1/slope. Differs: the default width of
    ¼ makes it 1 at the threshold. Written in exp(−|d|/width), which cannot overflow.

    Raises:
        BadSetting: a width that is not finite and above 0.
    """

    width: float = 0.25
    kind: Literal["sigmoid"] = "sigmoid"

    def __post_init__(self) -> None:
        _require_width(self.width)

    def slope(self, distance: Tensor) -> Tensor:
        """The bell of the logistic function."""
        tail = (-distance.abs() * (1 / self.width)).exp()
        return tail / (1 + tail).square() * (1 / self.width)


SHAPES: dict[str, type[Shape]] = {
    "arctangent": Arctangent,
    "fast_sigmoid": FastSigmoid,
    "rectangle": Rectangle,
    "sigmoid": Sigmoid,
    "triangle": Triangle,
}


def shape_named(name: str, width: float | None = None) -> Shape:
    """The shape of that name, one of `SHAPES`.

    Args:
        name: as in `SHAPES`.
        width: how far it reaches, measured like the distance to the threshold; None: the shape's own default.

    Raises:
        BadSetting: no such shape (the nearest name is given), or a width that is not finite and above 0.
    """
    if name not in SHAPES:
        raise BadSetting(f"no surrogate gradient named {name!r}: {nearest(name, SHAPES)}")
    kind = SHAPES[name]
    return kind() if width is None else kind(width)  # pyright: ignore[reportCallIssue]


def _require_width(width: float) -> None:
    if not (math.isfinite(width) and width > 0):
        raise BadSetting(f"a surrogate gradient needs a finite width above 0, got {width}")


def fire(distance: Tensor, shape: Shape) -> Tensor:
    """0/1 spikes where the distance to the threshold is at least 0, with the shape's gradient."""
    return _Fire.apply(distance, shape)  # pyright: ignore[reportReturnType]


class _Fire(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, distance: Tensor, shape: Shape) -> Tensor:
        ctx.save_for_backward(distance)
        ctx.shape = shape  # pyright: ignore[reportAttributeAccessIssue]
        return heaviside(distance)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *outer: Tensor) -> tuple[Tensor, None]:
        (distance,) = ctx.saved_tensors  # pyright: ignore[reportAttributeAccessIssue]
        return outer[0] * ctx.shape.slope(distance), None  # pyright: ignore[reportAttributeAccessIssue]


def floor(value: Tensor) -> Tensor:
    """⌊value⌋ with the gradient passed straight through."""
    below = value.floor().detach()
    # the difference is 0 and carries the gradient: value + (below − value) could round to another number
    return below + (value - value.detach()) if value.requires_grad else below
