"""Rounding to levels with a straight-through gradient: the activation a source network is trained with.

    a = θ · ⌊L·clip(z/θ, 0, 1) + ½⌋ / L         a tie rounds up, as a tie fires
    ∂a/∂z = 1 for 0 < z < θ, else 0;   ∂a/∂θ = (a − z)/θ for 0 < z < θ, 1 from θ up, 0 below

The operation is registered with torch, so that a model which uses it can be captured and compiled.
Knows nothing about layers or networks.

Source: QCFS (Bu et al. 2022) with the clip inside the floor, as in "When SNN meets ANN", Eq. 2 (which
prints the clip outside and L + 1 codes for T = log2 L bits; here L = 2^T − 1). The gradient of θ is the
one of the QAC paper (case 4, ∂Q/∂α).
"""

import torch
from torch import Tensor
from torch.nn import functional as F


@torch.library.custom_op("spikewright::clipped_round", mutates_args=())
def clipped_round(z: Tensor, threshold: Tensor, levels: int) -> Tensor:
    """Round z to the nearest of levels + 1 values in [0, threshold].

    Args:
        z: pre-activations, any shape.
        threshold: θ > 0, broadcastable to z.
        levels: L ≥ 1, the largest code.
    """
    if threshold.numel() == 1:
        top = float(threshold)
        return F.hardtanh(z, 0.0, top).mul_(levels / top).add_(0.5).floor_().mul_(top / levels)
    return (z / threshold).clamp_(0, 1).mul_(levels).add_(0.5).floor_().mul_(threshold / levels)


@clipped_round.register_fake
def _shape(z: Tensor, threshold: Tensor, levels: int) -> Tensor:
    return torch.empty_like(z)


def _remember(ctx: torch.autograd.function.FunctionCtx, inputs: tuple, output: Tensor) -> None:
    z, threshold, _ = inputs
    ctx.save_for_backward(z, threshold, output)


def _backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
    z, threshold, output = ctx.saved_tensors  # pyright: ignore[reportAttributeAccessIssue]
    if threshold.numel() == 1:
        # Three fused passes and no temporary: this runs at every activation of every training step.
        top = float(threshold)
        to_z = torch.ops.aten.hardtanh_backward(gradient, z, 0.0, top)
        inside = torch.dot(to_z.flatten(), output.flatten()) - torch.dot(to_z.flatten(), z.flatten())
        above = torch.dot(gradient.flatten(), (z >= top).to(z.dtype).flatten())
        return to_z, (inside / threshold + above).reshape(threshold.shape), None
    above = z >= threshold
    to_z = gradient * ((z > 0) & ~above)
    to_threshold = to_z * (output - z) / threshold + gradient * above
    return to_z, to_threshold.sum_to_size(threshold.shape), None


clipped_round.register_autograd(_backward, setup_context=_remember)
