"""Products with a weight: linear maps and convolutions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor
from torch.nn import functional as F

_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_CONV_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """Matrix product over the last axis, weight [out, in]."""

    kind: Literal["linear"] = "linear"

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        """[N, *, in] → [N, *, out]; an engine may have a constant [out] added in the same pass."""
        return F.linear(inputs[0], present(weight), bias)


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


def present(weight: Tensor | None) -> Tensor:
    """The weight of an operation that cannot do without."""
    if weight is None:
        raise TypeError("this operation needs its weight")
    return weight
