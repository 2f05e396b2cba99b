"""Averages and maxima over windows or axes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from spikewright.ann.ops import Averaging, EvenWindows, Maximum, Shape, Work

_MAX_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVERAGE_POOL_PLAIN = {1: F.avg_pool1d}
_AVERAGE_POOL = {2: F.avg_pool2d, 3: F.avg_pool3d}
_ADAPTIVE_AVERAGE = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}
_ADAPTIVE_MAX = {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}


@dataclass(frozen=True, slots=True, kw_only=True)
class AveragePool(Averaging):
    """Mean over windows, each with its own exact divisor (ceil_mode, padding counted or not)."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    ceil_mode: bool = False
    count_include_pad: bool = True
    divisor: int | None = None
    kind: Literal["average_pool"] = "average_pool"

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, C, *space] → [N, C, *space']."""
        dimensions = len(self.kernel)
        window = (self.kernel, self.stride, self.padding, self.ceil_mode, self.count_include_pad)
        if dimensions == 1:
            return _AVERAGE_POOL_PLAIN[1](inputs[0], *window)
        return _AVERAGE_POOL[dimensions](inputs[0], *window, self.divisor)

    def axes(self, given: Shape) -> tuple[int, ...]:
        return tuple(range(len(given) - len(self.kernel), len(given)))

    def window(self, axis: int, given: int, made: int) -> Tensor:
        first = torch.arange(made).unsqueeze(1) * self.stride[axis] - self.padding[axis]
        place = torch.arange(given)
        return ((place >= first) & (place < first + self.kernel[axis])).double()

    def common_divisor(self, given: Shape) -> int:
        if self.divisor is not None:
            return self.divisor
        whole = not self.ceil_mode and (self.count_include_pad or not any(self.padding))
        return math.prod(k if whole else math.lcm(*range(1, k + 1)) for k in self.kernel)

    def terms(self, given: Shape) -> int:
        return math.prod(self.kernel)

    def even_windows(self, given: Shape) -> EvenWindows | None:
        padded = not self.count_include_pad and any(self.padding)
        if self.divisor is None and (self.ceil_mode or padded):
            return None
        return EvenWindows(self.kernel, self.stride, self.padding, self.divisor or math.prod(self.kernel))


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveAveragePool(Averaging):
    """Mean over windows chosen to give an output of `size`; window sizes may differ by position."""

    size: tuple[int, ...]
    kind: Literal["adaptive_average_pool"] = "adaptive_average_pool"

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, C, *space] → [N, C, *size]."""
        return _ADAPTIVE_AVERAGE[len(self.size)](inputs[0], self.size)

    def axes(self, given: Shape) -> tuple[int, ...]:
        return tuple(range(len(given) - len(self.size), len(given)))

    def window(self, axis: int, given: int, made: int) -> Tensor:
        output, place = torch.arange(made).unsqueeze(1), torch.arange(given)
        return ((place >= output * given // made) & (place < -(-(output + 1) * given // made))).double()

    def common_divisor(self, given: Shape) -> int:
        return math.prod(
            math.lcm(*(-(-(i + 1) * n // size) - i * n // size for i in range(size)))
            for n, size in zip(given[-len(self.size) :], self.size, strict=True)
        )

    def terms(self, given: Shape) -> int:
        space = zip(given[-len(self.size) :], self.size, strict=True)
        return math.prod(max(-(-(i + 1) * n // size) - i * n // size for i in range(size)) for n, size in space)

    def even_windows(self, given: Shape) -> EvenWindows | None:
        space = given[-len(self.size) :]
        if any(n % size for n, size in zip(space, self.size, strict=True)):
            return None
        kernel = tuple(n // size for n, size in zip(space, self.size, strict=True))
        return EvenWindows(kernel, kernel, (0,) * len(kernel), math.prod(kernel))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean(Averaging):
    """Mean over axes (the batch is axis 0 and never among them)."""

    dims: tuple[int, ...]
    keepdim: bool
    kind: Literal["mean"] = "mean"

    def channel_axis(self, axis: int, given: Shape, made: Shape) -> int:
        """As many places further to the front as axes before it are gone; the first, where it is averaged itself."""
        gone = self.axes(given)
        if axis in gone:
            return 0
        return axis if self.keepdim else axis - sum(each < axis for each in gone)

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *] → [N, *] with `dims` averaged."""
        return inputs[0].mean(self.dims, keepdim=self.keepdim)

    def axes(self, given: Shape) -> tuple[int, ...]:
        return tuple(sorted(dim % (len(given) + 1) - 1 for dim in self.dims))

    def full_rank(self, made: Shape) -> Shape:
        if self.keepdim:
            return made
        shape = list(made)
        for axis in sorted(dim % (len(made) + len(self.dims) + 1) - 1 for dim in self.dims):
            shape.insert(axis, 1)
        return tuple(shape)

    def without(self, shape: Shape) -> Shape:
        axes = () if self.keepdim else self.axes(shape)
        return tuple(size for axis, size in enumerate(shape) if axis not in axes)

    def window(self, axis: int, given: int, made: int) -> Tensor:
        return torch.ones(made, given, dtype=torch.float64)

    def common_divisor(self, given: Shape) -> int:
        return self.terms(given)

    def terms(self, given: Shape) -> int:
        return math.prod(given[axis] for axis in self.axes(given))

    def even_windows(self, given: Shape) -> EvenWindows | None:
        axes = self.axes(given)
        if axes != tuple(range(len(given) - len(axes), len(given))):
            return None  # not windows over the last axes
        kernel = tuple(given[axis] for axis in axes)
        return EvenWindows(kernel, (1,) * len(kernel), (0,) * len(kernel), math.prod(kernel))


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxPool(Maximum):
    """Maximum over windows: not linear, so it stands between accumulating and firing, or reads the window's total."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    ceil_mode: bool = False
    kind: Literal["max_pool"] = "max_pool"

    def channel_axis(self, axis: int, given: Shape, made: Shape) -> int:
        """The same, unless it is one of those that are pooled."""
        return axis if axis < len(given) - len(self.kernel) else 0

    def axes(self, given: Shape) -> tuple[int, ...]:
        return tuple(range(len(given) - len(self.kernel), len(given)))

    def work(self, given: Sequence[Shape], made: Shape) -> Work:
        return Work(comparisons=math.prod(made) * (math.prod(self.kernel) - 1))

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, C, *space] → [N, C, *space']."""
        return _MAX_POOL[len(self.kernel)](
            inputs[0], self.kernel, self.stride, self.padding, self.dilation, self.ceil_mode
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveMaxPool(Maximum):
    """Maximum over windows chosen to give an output of `size`."""

    size: tuple[int, ...]
    kind: Literal["adaptive_max_pool"] = "adaptive_max_pool"

    def channel_axis(self, axis: int, given: Shape, made: Shape) -> int:
        """The same, unless it is one of those that are pooled."""
        return axis if axis < len(given) - len(self.size) else 0

    def axes(self, given: Shape) -> tuple[int, ...]:
        return tuple(range(len(given) - len(self.size), len(given)))

    def work(self, given: Sequence[Shape], made: Shape) -> Work:
        space = zip(given[0][-len(self.size) :], self.size, strict=True)
        held = math.prod(sum(-(-(i + 1) * n // size) - i * n // size for i in range(size)) for n, size in space)
        return Work(comparisons=math.prod(made[: -len(self.size)]) * held - math.prod(made))

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, C, *space] → [N, C, *size]."""
        return _ADAPTIVE_MAX[len(self.size)](inputs[0], self.size)
