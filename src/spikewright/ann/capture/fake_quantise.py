"""Fake quantisation written out, so that it can be traced: torch's own operator has no form for any batch size.

    (clamp(round(x / s) + z, low, high) − z) · s  =  round(clamp(x / s, low − z, high − z)) · s,   z, low, high whole
Weights that are fake quantised are constants after that; a signal's is a clipped rounding (`aten/levels.py`).

Source: documentation of torch.fake_quantize_per_tensor_affine and _per_channel_affine.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


class WrittenOut(TorchFunctionMode):
    """While it is on, fake quantisation is computed from divisions, clamps and roundings."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Called by torch for each function."""
        given = dict(kwargs or {})
        if func is torch.fake_quantize_per_tensor_affine:
            return _per_tensor(*args, **given)
        if func is torch.fake_quantize_per_channel_affine:
            return _per_channel(*args, **given)
        return func(*args, **given)


def _per_tensor(input: Tensor, scale: Any, zero_point: Any, quant_min: int, quant_max: int) -> Tensor:
    shift = int(zero_point)
    return torch.round((input / scale).clamp(quant_min - shift, quant_max - shift)) * scale


def _per_channel(
    input: Tensor,
    scale: Tensor,
    zero_point: Tensor,
    axis: int,
    quant_min: int,
    quant_max: int,
) -> Tensor:
    shape = [-1 if dim == axis % input.dim() else 1 for dim in range(input.dim())]
    scale, zero_point = scale.reshape(shape), zero_point.reshape(shape)
    low, high = quant_min - zero_point, quant_max - zero_point
    return torch.round(input / scale).clamp(low, high) * scale
