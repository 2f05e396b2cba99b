"""Rounding to a learned number of levels: the clipped rounding of `rounding.py` with a gradient for T as well.

    Q(x) = α · ⌊T·clip(x/α, 0, 1) + ½⌋ / T,    T = ⌊t + ½⌋ ≥ 1          a tie rounds up, as a tie fires

    inside, 0 < x < α:   ∂Q/∂t = −(Q − x)/t    ∂Q/∂α = (Q − x)/α    ∂Q/∂x = 1
    from α up:           ∂Q/∂t = 0             ∂Q/∂α = 1            ∂Q/∂x = 0
    up to 0:             all 0
Other parametrisations of α and t follow by the chain rule. Knows nothing about layers or networks.

Source: the QAC paper, Eq. 10 (case 4). Differs: the paper leaves open how a real t rounds and how values do;
here both round half up (torch.round takes halves to even: a tie would fire at every second level only). At
x = 0 and x = α, where the paper takes ∂Q/∂x = 1, it is 0, as for `clipped_round`.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from spikewright.ann.rounding import dot, laid_out_as


def whole(t: Tensor) -> Tensor:
    """T = ⌊t + ½⌋, at least 1; no gradient."""
    return t.detach().add(0.5).floor_().clamp_(min=1)


def learned_round(x: Tensor, alpha: Tensor, t: Tensor) -> Tensor:
    """Round x to the nearest of T + 1 values in [0, α]; x, α and t receive gradients.

    Args:
        x: pre-activations, any shape.
        alpha: α > 0, a scalar.
        t: the real number behind T, 1 or more, a scalar.
    """
    return _LearnedRound.apply(x, alpha, t)  # pyright: ignore[reportReturnType]


class _LearnedRound(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, alpha: Tensor, t: Tensor) -> Tensor:
        top, real, levels = torch.stack([alpha.detach(), t.detach(), whole(t)]).tolist()
        x = x if torch.ops.aten.is_non_overlapping_and_dense(x) else x.contiguous()
        output = F.hardtanh(x, 0.0, top).mul_(levels / top).add_(0.5).floor_().mul_(top / levels)
        ctx.save_for_backward(x, output, alpha)
        ctx.top, ctx.real = top, real
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Q is 0 below and α above, so the sums are dot products without a mask.

        α · Σ g·∂Q/∂α = Σ g·Q − Σ_inside g·x;    −t · Σ g·∂Q/∂t = Σ_inside g·Q − Σ_inside g·x
        """
        x, output, alpha = ctx.saved_tensors
        gradient, output = laid_out_as(outer[0], x), laid_out_as(output, x)
        to_x = laid_out_as(torch.ops.aten.hardtanh_backward(gradient, x, 0.0, ctx.top), x)
        if x.dtype in (torch.float32, torch.float64):
            wide = (gradient, to_x, output, x)
        else:  # the sums nearly cancel: 8 bits would not do
            wide = tuple(tensor.float() for tensor in (gradient, to_x, output, x))
        inside = dot(wide[1], wide[3])
        to_alpha = (dot(wide[0], wide[2]) - inside) / ctx.top
        to_t = (inside - dot(wide[1], wide[2])) / ctx.real
        return to_x, *(total.to(alpha.dtype).reshape(alpha.shape) for total in (to_alpha, to_t))
