"""Products with a weight: linear maps and convolutions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from spikewright.ann.ops import Product, Shape

_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_CONV_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear(Product):
    """Matrix product over the last axis, weight [out, in]."""

    kind: Literal["linear"] = "linear"

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        """[N, *, in] → [N, *, out]; an engine may have a constant [out] added in the same pass."""
        return F.linear(inputs[0], present(weight), bias)

    def channel_axis(self, axis: int, given: Shape, made: Shape) -> int:
        """The last: it maps features."""
        return max(len(made) - 1, 0)

    @property
    def space(self) -> int:
        return 0

    def channels_first(self, shape: Shape) -> bool:
        return len(shape) == 1

    def in_channels(self, weight: Tensor) -> int:
        return weight.shape[1]

    def out_channels(self, weight: Tensor) -> int:
        return weight.shape[0]

    def as_vector(self, constant: Tensor, weight: Tensor) -> Tensor | None:
        return constant.expand(len(weight)).contiguous() if constant.dim() <= 1 else None

    def fan_in(self, weight: Tensor) -> int:
        return weight.shape[1]

    def scale_inputs(self, weight: Tensor, gain: Tensor) -> Tensor:
        return weight * gain

    def scale_outputs(self, weight: Tensor, gain: Tensor) -> Tensor:
        return weight * gain.reshape(-1, 1)

    def synapses(self, present: Tensor, given: Shape, made: Shape) -> Tensor:
        return present.sum(0).double().expand(given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conv(Product):
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
                present(weight),
                bias,
                self.stride,
                self.padding,
                self.output_padding,
                self.groups,
                self.dilation,
            )
        return _CONV[dimensions](
            inputs[0], present(weight), bias, self.stride, self.padding, self.dilation, self.groups
        )

    def channel_axis(self, axis: int, given: Shape, made: Shape) -> int:
        """The first, as torch lays it out."""
        return 0

    @property
    def space(self) -> int:
        return len(self.stride)

    def channels_first(self, shape: Shape) -> bool:
        return True

    def in_channels(self, weight: Tensor) -> int:
        return weight.shape[0] if self.transposed else weight.shape[1] * self.groups

    def out_channels(self, weight: Tensor) -> int:
        return weight.shape[1] * self.groups if self.transposed else weight.shape[0]

    @property
    def one_group(self) -> bool:
        return self.groups == 1

    @property
    def outputs_come_first(self) -> bool:
        return not self.transposed

    def reach(self, weight: Tensor) -> float:
        if self.transposed:
            return float(weight.abs().sum())  # every weight at once is more than any output meets
        return float(weight.abs().flatten(1).sum(1, dtype=torch.float64).max())

    def as_vector(self, constant: Tensor, weight: Tensor) -> Tensor | None:
        fits = constant.dim() == self.space + 1 and all(size == 1 for size in constant.shape[1:])
        return constant.reshape(-1).contiguous() if fits else None

    def fan_in(self, weight: Tensor) -> int:
        return weight.numel() // self.out_channels(weight)

    def scale_inputs(self, weight: Tensor, gain: Tensor) -> Tensor:
        if self.transposed:
            return weight * gain.reshape(-1, *(1,) * (weight.dim() - 1))
        in_per_group = weight.shape[1]
        spread = gain.reshape(self.groups, 1, in_per_group, *(1,) * (weight.dim() - 2))
        return (weight.reshape(self.groups, -1, *weight.shape[1:]) * spread).reshape(weight.shape)

    def scale_outputs(self, weight: Tensor, gain: Tensor) -> Tensor:
        if not self.transposed:
            return weight * gain.reshape(-1, *(1,) * (weight.dim() - 1))
        out_per_group = weight.shape[1]
        spread = gain.reshape(self.groups, 1, out_per_group)
        grouped = weight.reshape(self.groups, -1, out_per_group, *weight.shape[2:])
        return (grouped * spread.reshape(*spread.shape, *(1,) * (weight.dim() - 2))).reshape(weight.shape)

    def synapses(self, present: Tensor, given: Shape, made: Shape) -> Tensor:
        by_group = present.unsqueeze(0) if self.transposed else present.unflatten(0, (self.groups, -1))
        counted = by_group.sum(2 if self.transposed else 1).flatten(0, 1)
        met = counted.double()  # [C_in, *kernel]
        for axis, width in enumerate(present.shape[2:]):
            reached = self._reached(axis, width, given[1 + axis], made[1 + axis])
            met = torch.einsum("ck...,ky->c...y", met, reached)  # the next kernel axis moves up to 1
        return met

    def _reached(self, axis: int, width: int, given: int, made: int) -> Tensor:
        """1 where kernel position k joins input position y with an output position, [width, given]."""
        stride, padding, dilation = self.stride[axis], self.padding[axis], self.dilation[axis]
        kernel = torch.arange(width).unsqueeze(1) * dilation
        place = torch.arange(given)
        if self.transposed:
            output = place * stride + kernel - padding
            return ((output >= 0) & (output < made)).double()
        offset = place + padding - kernel
        output = offset.div(stride, rounding_mode="floor")
        return ((offset % stride == 0) & (output >= 0) & (output < made)).double()

    def outputs_first(self, weight: Tensor) -> Tensor:
        if not self.transposed:
            return weight
        grouped = weight.unflatten(0, (self.groups, -1))  # [groups, in per group, out per group, *]
        return grouped.transpose(1, 2).flatten(0, 1)

    def as_laid_out(self, weight: Tensor) -> Tensor:
        if not self.transposed:
            return weight
        grouped = weight.unflatten(0, (self.groups, -1))  # [groups, out per group, in per group, *]
        return grouped.transpose(1, 2).flatten(0, 1)


def present(weight: Tensor | None) -> Tensor:
    """The weight of an operation that cannot do without."""
    if weight is None:
        raise TypeError("this operation needs its weight")
    return weight
