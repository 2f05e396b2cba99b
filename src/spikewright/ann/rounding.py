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

from spikewright.errors import BadModel


def rounded(z: Tensor, threshold: Tensor, levels: int) -> Tensor:
    """`clipped_round` for whoever may want no gradient: then without torch's registry, which brings its compiler."""
    wanted = torch.is_grad_enabled() and (z.requires_grad or threshold.requires_grad)
    return (
        clipped_round(z, threshold, levels) if wanted or torch.compiler.is_compiling() else _round(z, threshold, levels)
    )


def _round(z: Tensor, threshold: Tensor, levels: int) -> Tensor:
    if threshold.numel() == 1:
        top = float(threshold)
        _require_positive(top)
        return F.hardtanh(z, 0.0, top).mul_(levels / top).add_(0.5).floor_().mul_(top / levels)
    if threshold.device.type == "cpu":
        _require_positive(float(threshold.min()))
    return (z / threshold).clamp_(0, 1).mul_(levels).add_(0.5).floor_().mul_(threshold / levels)


@torch.library.custom_op("spikewright::clipped_round", mutates_args=())
def clipped_round(z: Tensor, threshold: Tensor, levels: int) -> Tensor:
    """Round z to the nearest of levels + 1 values in [0, threshold].

    Args:
        z: pre-activations, any shape.
        threshold: θ > 0, broadcastable to z.
        levels: L ≥ 1, the largest code.

    Raises:
        BadModel: a threshold that is not above 0.
    """
    return _round(z, threshold, levels)


def _require_positive(least: float) -> None:
    if not least > 0:
        raise BadModel(f"the threshold is {least:g}, but must be above 0: bring it back above 0 after each update")


@clipped_round.register_fake
def _shape(z: Tensor, threshold: Tensor, levels: int) -> Tensor:  # noqa: ARG001
    return torch.empty_like(z)


def _remember(ctx: torch.autograd.function.FunctionCtx, inputs: tuple, output: Tensor) -> None:
    z, threshold, _ = inputs
    ctx.save_for_backward(z, threshold, output)


def _backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
    z, threshold, output = ctx.saved_tensors  # pyright: ignore[reportAttributeAccessIssue]
    return *_gradients(gradient, z, threshold, output), None


@torch.library.custom_op("spikewright::clipped_round_backward", mutates_args=())
def _gradients(gradient: Tensor, z: Tensor, threshold: Tensor, output: Tensor) -> tuple[Tensor, Tensor]:
    """An operation of its own, so that compiling does not look inside, where θ is read as a number."""
    dense = torch.ops.aten.is_non_overlapping_and_dense(z)
    if threshold.numel() == 1 and z.device.type == "cpu" and dense:
        return _gradients_scalar(gradient, z, threshold, output)
    above = z >= threshold
    to_z = gradient * ((z > 0) & ~above)
    to_threshold = to_z * (output - z) / threshold + gradient * above
    return laid_out_as(to_z, z), to_threshold.sum_to_size(threshold.shape).to(threshold.dtype)


@_gradients.register_fake
def _gradient_shapes(
    gradient: Tensor,  # noqa: ARG001
    z: Tensor,
    threshold: Tensor,
    output: Tensor,  # noqa: ARG001
) -> tuple[Tensor, Tensor]:
    return torch.empty_like(z), torch.empty_like(threshold)


def _gradients_scalar(gradient: Tensor, z: Tensor, threshold: Tensor, output: Tensor) -> tuple[Tensor, Tensor]:
    """Three passes and one temporary, for a z without gaps: this runs at every activation of every step.

    a is 0 below and θ above, so θ · ∂a/∂θ summed is Σ g·a − Σ_inside g·z: two dot products and no mask.
    """
    gradient = laid_out_as(gradient, z)
    to_z = laid_out_as(torch.ops.aten.hardtanh_backward(gradient, z, 0.0, float(threshold)), z)
    total = dot(gradient, laid_out_as(output, z)) - dot(to_z, z)
    return to_z, (total / threshold).to(threshold.dtype).reshape(threshold.shape)


def laid_out_as(tensor: Tensor, like: Tensor) -> Tensor:
    """The same values in the strides of `like`, a tensor of the same shape without gaps."""
    return tensor if tensor.stride() == like.stride() else torch.empty_like(like).copy_(tensor)


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Σ a·b of two tensors laid out alike and without gaps: views of their storage, as flatten may copy."""
    pair = [tensor.as_strided((tensor.numel(),), (1,)) for tensor in (a, b)]
    if a.dtype not in (torch.float32, torch.float64):
        pair = [tensor.float() for tensor in pair]  # the two sums nearly cancel: 8 bits would not do
    return torch.dot(pair[0], pair[1])


clipped_round.register_autograd(_backward, setup_context=_remember)
