"""The closed set of operations that a plan may contain; every one but max pooling is linear and has no bias.

An operation is a frozen description (geometry only) that can be applied to tensors whose first axis is a
batch of any size, [N, *features]; time is folded into that axis by the engines. Weights are passed in.
Knows nothing about spikes, codes or networks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_CONV_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
_MAX_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVERAGE_POOL_PLAIN = {1: F.avg_pool1d}
_AVERAGE_POOL = {2: F.avg_pool2d, 3: F.avg_pool3d}
_ADAPTIVE_AVERAGE = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}
_ADAPTIVE_MAX = {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Pass the input on: a firing stage that reads another node's value as it is."""

    kind: Literal["identity"] = "identity"

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *] → [N, *]."""
        return inputs[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """Matrix product over the last axis, weight [out, in]."""

    kind: Literal["linear"] = "linear"

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        """[N, *, in] → [N, *, out]; an engine may have a constant [out] added in the same pass."""
        return F.linear(inputs[0], _present(weight), bias)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conv:
    """Convolution of 1 to 3 dimensions, zero padded, grouped; weight as torch lays it out."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int = 1
    transposed: bool = False
    output_padding: tuple[int, ...] = ()
    kind: Literal["conv"] = "conv"

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        """[N, C_in, *space] → [N, C_out, *space']; an engine may have a constant [C_out] added in the same pass."""
        dimensions = len(self.stride)
        if self.transposed:
            return _CONV_TRANSPOSED[dimensions](
                inputs[0],
                _present(weight),
                bias,
                self.stride,
                self.padding,
                self.output_padding,
                self.groups,
                self.dilation,
            )
        return _CONV[dimensions](
            inputs[0], _present(weight), bias, self.stride, self.padding, self.dilation, self.groups
        )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Add:
    """Sum of all inputs, broadcast against one another."""

    kind: Literal["add"] = "add"

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *] each → [N, *]."""
        total = inputs[0]
        for term in inputs[1:]:
            total = total + term
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Concat:
    """Join the inputs along axis `dim` (the batch is axis 0)."""

    dim: int
    kind: Literal["concat"] = "concat"

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, C_i, *] each → [N, ΣC_i, *] for dim = 1."""
        return torch.cat(list(inputs), self.dim)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Product with a constant gain (the weight), broadcast over the features."""

    kind: Literal["scale"] = "scale"

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *features] · gain → [N, *features]."""
        return inputs[0] * _present(weight)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reshape:
    """Another shape for the features; the batch stays the first axis."""

    shape: tuple[int, ...]
    kind: Literal["reshape"] = "reshape"

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *features] → [N, *shape]."""
        return inputs[0].reshape(inputs[0].shape[0], *self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permute:
    """Another order of the axes; the batch stays the first."""

    dims: tuple[int, ...]
    kind: Literal["permute"] = "permute"

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *features] → [N, *features permuted]."""
        return inputs[0].permute(self.dims)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The part start:stop:step of axis `dim` (the batch is axis 0)."""

    dim: int
    start: int
    stop: int
    step: int = 1
    kind: Literal["slice"] = "slice"

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *] → [N, *] with axis `dim` cut."""
        index = [slice(None)] * self.dim + [slice(self.start, self.stop, self.step)]
        return inputs[0][tuple(index)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroPad:
    """Zeros around the last axes, `pads` as torch.nn.functional.pad takes them."""

    pads: tuple[int, ...]
    kind: Literal["zero_pad"] = "zero_pad"

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *] → [N, *] with the last axes widened."""
        return F.pad(inputs[0], self.pads)


Weighted = Linear | Conv | Scale
Pooling = MaxPool | AdaptiveMaxPool
Averaging = AveragePool | AdaptiveAveragePool | Mean
Moving = Identity | Reshape | Permute | Slice | ZeroPad | Concat
Op = Annotated[Weighted | Averaging | Moving | Add | Pooling, Field(discriminator="kind")]


def _present(weight: Tensor | None) -> Tensor:
    if weight is None:
        raise TypeError("this operation needs its weight")
    return weight
