"""One-bit weights: a sign each, and one scale an output channel.

    ŵ = (w − mean)/std      b = sign(ŵ), sign(0) = +1      α = mean |ŵ| of an output channel      weight = α · b
mean and std are those of the layer, or of each output channel, or ŵ = w. α may be rounded to the nearest power of two
(nearest in log2, where no floating-point number lies half way), so that a scale becomes a shift.

Gradients. That of the sign is a stand-in, one of
    clipped     1 where |ŵ| ≤ 1, else 0
    annealed    k·t·(1 − tanh²(t·ŵ)),  t = 0.1 · 100^progress,  k = max(1/t, 1)
and everything else is differentiated as it stands: through α, through mean and std. Rounding α to a power of two
passes the gradient straight through in log2, ∂α'/∂α = α'/α.

Source: Q-SNNs, Eq. 6-7 (sign and scale), Eq. 14 (standardising by layer). Differs: Eq. 6 takes the scale of w, here
it is that of ŵ, as in Algorithm 1, line 6; the paper's code standardises by output channel and rounds the scale to a
power of two, here both are settings. The paper says nothing of the gradient of the sign: clipped is that of
XNOR-Net (Rastegari et al. 2016), annealed that of IR-Net (Qin et al. 2020), with t from 0.1 to 10.
std divides by the count, not by the count less one.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from spikewright.errors import BadModel, BadSetting
from spikewright.snn.formats.stored import require_finite, require_progress

Standardise = Literal["layer", "channel", "none"]
Scale = Literal["mean", "power_of_two"]
Estimator = Literal["clipped", "annealed"]

SHARPNESS_FIRST, SHARPNESS_LAST = 0.1, 10.0  # t of IR-Net at the start and the end of training


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """Weights ±α, one α for each index of the first axis.

    Attributes:
        standardise: over what mean and std are taken: "layer", "channel", or "none" at all.
        scale: "mean" takes α as it is, "power_of_two" rounds it.
        estimator: the gradient of the sign, "clipped" or "annealed".

    Raises:
        BadSetting: another word.
    """

    standardise: Standardise = "layer"
    scale: Scale = "mean"
    estimator: Estimator = "clipped"
    kind: Literal["binary"] = "binary"

    def __post_init__(self) -> None:
        for name, allowed in (("standardise", Standardise), ("scale", Scale), ("estimator", Estimator)):
            if getattr(self, name) not in get_args(allowed):
                words = ", ".join(get_args(allowed))
                raise BadSetting(f"binary weights: {name} is {getattr(self, name)!r}, but must be one of {words}")

    @property
    def bits(self) -> int:
        """One."""
        return 1

    def quantise(self, latent: Tensor, *, progress: float = 1.0) -> Tensor:
        """Latent weight [out, in, *] → α · b of the same shape, with the gradients above.

        Weights that are all alike carry nothing once their mean is gone: ŵ, α and the weight are 0 there.

        Raises:
            BadModel: weights that are not finite; fewer than two axes; nothing to standardise over.
            BadSetting: a progress outside 0..1.
        """
        require_progress(progress)
        standard, alpha = self._parts(latent)
        if self.estimator == "clipped":
            return alpha * _ClippedSign.apply(standard)
        sharpness = SHARPNESS_FIRST * (SHARPNESS_LAST / SHARPNESS_FIRST) ** progress
        return alpha * _AnnealedSign.apply(standard, sharpness)

    def store(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Latent weight [out, in, *] → signs −1 and +1 (int8) of its shape, and α [out, 1, …].

        Raises:
            BadModel: as for `quantise`.
        """
        with torch.no_grad():
            standard, alpha = self._parts(weight)
            return _sign(standard).to(torch.int8), alpha

    def load(self, stored: Tensor, scale: Tensor) -> Tensor:
        """Signs · α."""
        return stored * scale

    def _parts(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """ŵ and α."""
        require_finite(latent, "binary weights")
        if latent.dim() < 2 or not latent.numel():
            raise BadModel(f"binary weights of a tensor {list(latent.shape)}: give [out, in, …], none of them 0")
        inside = tuple(range(1, latent.dim()))
        standard = latent
        if self.standardise != "none":
            standard = _standardised(latent, tuple(range(latent.dim())) if self.standardise == "layer" else inside)
        alpha = standard.abs().mean(inside, keepdim=True)
        return standard, _power_of_two(alpha) if self.scale == "power_of_two" else alpha


def _standardised(latent: Tensor, dims: tuple[int, ...]) -> Tensor:
    if math.prod(latent.shape[dim] for dim in dims) == 1:
        raise BadModel(
            f"binary weights of a tensor {list(latent.shape)}: standardising one weight leaves nothing of it: "
            "choose standardise='layer', or 'none'"
        )
    # Alike is asked of the weights themselves: less their mean, they would leave its rounding error
    alike = latent.detach().amax(dims, keepdim=True) == latent.detach().amin(dims, keepdim=True)
    centred = (latent - latent.mean(dims, keepdim=True)).masked_fill(alike, 0.0)
    variance = centred.square().mean(dims, keepdim=True)
    return centred / torch.where(variance > 0, variance, 1.0).sqrt()


def _power_of_two(alpha: Tensor) -> Tensor:
    """The power of two nearest in log2 (0 stays 0), its gradient straight through in log2."""
    fraction, _ = torch.frexp(alpha.detach())  # α = fraction · 2^e, ½ ≤ fraction < 1
    # √½ is no floating-point number, and in float64 the square stays on its side of ½
    share = torch.where(fraction.double().square() >= 0.5, 1.0, 0.5).to(fraction)
    return alpha / torch.where(fraction > 0, fraction, 1.0) * share  # 2^e without rounding, then 2^e or 2^(e−1)


def _sign(standard: Tensor) -> Tensor:
    """±1, and +1 for 0."""
    return torch.where(standard >= 0, 1.0, -1.0).to(standard)


class _ClippedSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, standard: Tensor) -> Tensor:
        ctx.save_for_backward(standard)
        return _sign(standard)

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        (standard,) = ctx.saved_tensors
        return outer[0] * (standard.abs() <= 1)


class _AnnealedSign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, standard: Tensor, sharpness: float) -> Tensor:
        ctx.save_for_backward(standard)
        ctx.sharpness = sharpness
        return _sign(standard)

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        (standard,) = ctx.saved_tensors
        t = ctx.sharpness
        slope = max(1 / t, 1.0) * t * (1 - (t * standard).tanh().square())
        return outer[0] * slope, None
