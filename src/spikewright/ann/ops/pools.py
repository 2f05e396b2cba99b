"""Averages and maxima over windows or axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor
from torch.nn import functional as F

_MAX_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVERAGE_POOL_PLAIN = {1: F.avg_pool1d}
_AVERAGE_POOL = {2: F.avg_pool2d, 3: F.avg_pool3d}
_ADAPTIVE_AVERAGE = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}
_ADAPTIVE_MAX = {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}


@dataclass(frozen=True, slots=True, kw_only=True)
class AveragePool:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveAveragePool:
    """Mean over windows chosen to give an output of `size`; window sizes may differ by position."""

    size: tuple[int, ...]
    kind: Literal["adaptive_average_pool"] = "adaptive_average_pool"

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, C, *space] → [N, C, *size]."""
        return _ADAPTIVE_AVERAGE[len(self.size)](inputs[0], self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """Mean over axes (the batch is axis 0 and never among them)."""

    dims: tuple[int, ...]
    keepdim: bool
    kind: Literal["mean"] = "mean"

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *] → [N, *] with `dims` averaged."""
        return inputs[0].mean(self.dims, keepdim=self.keepdim)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxPool:
    """Maximum over windows: not linear, so it is allowed only between accumulating and firing."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    ceil_mode: bool = False
    kind: Literal["max_pool"] = "max_pool"

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, C, *space] → [N, C, *space']."""
        return _MAX_POOL[len(self.kernel)](
            inputs[0], self.kernel, self.stride, self.padding, self.dilation, self.ceil_mode
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveMaxPool:
    """Maximum over windows chosen to give an output of `size`."""

    size: tuple[int, ...]
    kind: Literal["adaptive_max_pool"] = "adaptive_max_pool"

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, C, *space] → [N, C, *size]."""
        return _ADAPTIVE_MAX[len(self.size)](inputs[0], self.size)
