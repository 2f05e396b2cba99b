"""The Heaviside step with a gradient: a tie fires forward, a shape of finite width stands in for the slope backward.

    forward:  s = H(d), d = u − threshold            backward:  ds/dd = shape(d)
Knows nothing about neurons.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from spikewright.errors import BadSetting
from spikewright.trains import heaviside


class Shape(Protocol):
    """What stands in for the slope of the step."""

    def slope(self, distance: Tensor) -> Tensor:
        """ds/dd at each distance to the threshold; its integral over all distances is 1."""
        ...


@dataclass(frozen=True, slots=True)
class Rectangle:
    """1/width within half a width of the threshold.

    Source: Wu et al. 2018 (spatio-temporal backpropagation), which QAC cites for its calibration.
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
    """(1 − |d|/width)/width within a width of the threshold.

    Source: Bellec et al. 2018 (the piecewise linear pseudo-derivative), normalised.
    """

    width: float = 1.0
    kind: Literal["triangle"] = "triangle"

    def __post_init__(self) -> None:
        _require_width(self.width)

    def slope(self, distance: Tensor) -> Tensor:
        """The triangle."""
        return (1 - distance.abs() / self.width).clamp(min=0) / self.width


def _require_width(width: float) -> None:
    if not width > 0:
        raise BadSetting(f"a surrogate gradient needs a width above 0, got {width}")


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
