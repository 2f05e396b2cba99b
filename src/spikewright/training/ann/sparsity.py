"""The bit-level ℓ1 penalty: each spike of the bit-plane code costs, so training prefers codes with few ones.

    penalty = coefficient · (1/N) Σ_samples Σ_stages Σ_neurons popcount(k),    k = round(a/θ · L)

Codes are rounded, never truncated: (k/L·θ)/θ·L falls below k in float32 for a few codes in a hundred. A count
of bits has no gradient; a `BitGradient` stands in for it.

Source: "When SNN meets ANN", Eq. 11-12. Differs: the paper sums over the batch (λ = 1e-8 for CIFAR, 5e-10 for
ImageNet); here the mean over samples is taken, so that the batch size does not matter: coefficient = λ · B
for the paper's batch of B (8 is the default of the authors' code, which makes 8e-8 of 1e-8).
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from spikewright.ann.interpreter import as_trained
from spikewright.ann.ops import Activating
from spikewright.ann.source import SourceNode

BitGradient = Callable[[Tensor, int], Tensor]


def per_activation(threshold: Tensor, levels: int) -> Tensor:
    """Eq. 12, per unit of a: each of the T bits counts 1, hence T = ⌈log2(L + 1)⌉."""
    return torch.full_like(threshold, levels.bit_length())


def per_code(threshold: Tensor, levels: int) -> Tensor:
    """The gradient of the authors' code: 1 per step of the integer code, hence L/θ per unit of a."""
    return levels / threshold


def count_bits(a: Tensor, threshold: Tensor, levels: int) -> Tensor:
    """Ones in the binary codes of activations on the grid θ·k/L, as float of the shape of a."""
    codes = (a.float() * (levels / threshold)).round_().to(torch.int32)
    bits = torch.zeros_like(codes)
    for plane in range(levels.bit_length()):
        bits += (codes >> plane) & 1
    return bits.float()


def bit_sum(a: Tensor, threshold: Tensor, levels: int, gradient: BitGradient = per_activation) -> Tensor:
    """Σ popcount(code of a), a scalar whose gradient is `gradient` where 0 < a < θ and 0 elsewhere.

    Args:
        a: activations on the grid θ·k/L, any shape.
        threshold: θ > 0, broadcastable to a; it receives no gradient here (a passes its own on).
        levels: L ≥ 1, the largest code.
        gradient: what stands in for ∂popcount/∂a.
    """
    return _BitSum.apply(a, threshold.detach(), levels, gradient)  # pyright: ignore[reportReturnType]


class _BitSum(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx,
        a: Tensor,
        threshold: Tensor,
        levels: int,
        gradient: BitGradient,
    ) -> Tensor:
        # half a step below θ: in bfloat16 the top code's value may differ from θ in its last bit
        inside = (a > 0) & (a < threshold * (1 - 0.5 / levels))
        ctx.save_for_backward(inside, gradient(threshold, levels))
        ctx.dtype = a.dtype  # pyright: ignore[reportAttributeAccessIssue]
        return count_bits(a, threshold, levels).sum()

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *outer: Tensor) -> tuple[Tensor, None, None, None]:
        inside, slope = ctx.saved_tensors  # pyright: ignore[reportAttributeAccessIssue]
        return (inside * (slope * outer[0])).to(ctx.dtype), None, None, None  # pyright: ignore[reportAttributeAccessIssue]


class BitPenalty:
    """An activation for the interpreter that also adds up the bits of all stages: one per forward pass."""

    def __init__(self, gradient: BitGradient = per_activation) -> None:
        self.gradient = gradient
        self._sums: list[Tensor] = []
        self._samples = 0

    def __call__(self, node: SourceNode, z: Tensor, roles: Mapping[str, Tensor]) -> Tensor:
        """Round as trained, and count."""
        assert isinstance(node.op, Activating)
        a = as_trained(node, z, roles)
        if node.op.levels is not None:
            threshold, levels = roles["threshold"], node.op.levels
            emitted = node.op.emitted(a, threshold / levels, levels)
            self._sums.append(bit_sum(emitted, threshold, levels, self.gradient))
            self._samples = len(a)
        return a

    def per_sample(self) -> Tensor:
        """Bits per sample over all stages, a scalar; 0 where no activation has levels."""
        if not self._sums:
            return torch.zeros(())
        return torch.stack(self._sums).sum() / max(self._samples, 1)
