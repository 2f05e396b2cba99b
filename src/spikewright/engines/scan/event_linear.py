"""A linear map of spikes: `torch.nn.functional.linear` where few of the inputs are not zero.

Forward and the weight's gradient meet only the inputs that are not zero; the inputs' own gradient is dense and goes by
matrix product. Where that does not pay (many spikes, few outputs, a GPU, another dtype), it is PyTorch's own.
The results are those of `linear` up to the order of sums, and do not depend on the number of threads.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

from spikewright.engines.scan import event_loops as events
from spikewright.engines.threads import spread

_DENSITY = 0.2  # share of non-zero inputs above which a matrix product is as fast
_OUTPUTS = 128  # below, finding the entries takes longer than the product
_WORTH_A_THREAD = 1 << 20  # additions below which handing out work takes longer than the work


def event_linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """X · weightᵀ + bias, differentiable in all three.

    Args:
        x: [R, K], spikes or anything else; zeros are skipped.
        weight: [M, K].
        bias: [M].

    Returns:
        [R, M].
    """
    fits = x.device.type == "cpu" and x.dtype == weight.dtype == torch.float32 and x.dim() == 2 and x.numel() > 0
    if not fits or len(weight) < _OUTPUTS or torch.compiler.is_compiling():
        return linear(x, weight, bias)
    starts = np.empty(len(x) + 1, np.int64)
    index = np.empty(int(_DENSITY * x.numel()) + x.shape[1], np.int32)
    x = x.contiguous()
    if not events.find(x.detach().numpy(), starts, index):
        return linear(x, weight, bias)
    # a copy, so that the room for entries that are not there is given back
    out = _Events.apply(x, weight, starts, index[: starts[-1]].copy())
    return out if bias is None else out + bias  # pyright: ignore


class _Events(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, starts: np.ndarray, index: np.ndarray) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.starts, ctx.index = starts, index
        out = x.new_empty(len(x), len(weight))
        arrays = out.numpy(), x.detach().numpy(), starts, index, weight.detach().t().contiguous().numpy()
        spread(len(x), _threads(index, weight), lambda *part: events.gather(*arrays, *part))
        return out

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *outer: Tensor
    ) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, weight = ctx.saved_tensors
        slopes = None
        if ctx.needs_input_grad[1]:
            slopes = weight.new_empty(weight.shape[1], len(weight))
            arrays = slopes.numpy(), x.numpy(), ctx.starts, ctx.index, outer[0].contiguous().numpy()
            spread(len(weight), _threads(ctx.index, weight), lambda *part: events.scatter(*arrays, *part))
            slopes = slopes.t()
        return outer[0] @ weight if ctx.needs_input_grad[0] else None, slopes, None, None


def _threads(index: np.ndarray, weight: Tensor) -> int:
    return min(torch.get_num_threads(), len(index) * len(weight) // _WORTH_A_THREAD)
