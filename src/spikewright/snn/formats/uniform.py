"""Symmetric uniform b-bit weights: integer = round(w / scale), scale = max|w| / (2^(b−1) − 1).

Rounded half to even and clamped to ±(2^(b−1) − 1). One scale a tensor, or one an output channel. In training the
gradient passes straight through the rounding, and the scale counts as a constant: as it is taken from the largest
|w|, no weight lies outside the range, and the gradient of every weight is that of its rounded value.

Source: Q-SNNs (first and last layer, 8 bit, as APoT by Li et al. 2019). Differs: the paper does not say how the
scale is found; its code divides by the signed maximum, which lets −127 overflow where the largest |w| is negative.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from spikewright.errors import BadSetting
from spikewright.snn.formats.stored import require_finite, require_progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform:
    """b-bit two's-complement weights.

    Attributes:
        bits: 2..16.
        per_channel: one scale for each index of the first axis instead of one in all.
        limit: the largest |w| that can be stored, beyond which weights are clamped; None: the largest there is. A wider
            range than the weights need makes flipped bits worth more.

    Raises:
        BadSetting: another number of bits; a limit that is not above 0 and finite, or beside a scale for each channel.
    """

    bits: int = 8
    per_channel: bool = False
    limit: float | None = None
    kind: Literal["uniform"] = "uniform"

    def __post_init__(self) -> None:
        if self.bits == 1:
            raise BadSetting("weight bits must be in 2..16, got 1: one bit has no zero, take the format Binary")
        if not 2 <= self.bits <= 16:
            raise BadSetting(f"weight bits must be in 2..16, got {self.bits}: choose among these, or Binary for 1")

        if self.limit is not None and (self.per_channel or not (math.isfinite(self.limit) and self.limit > 0)):
            raise BadSetting(
                f"a weight range is one number above 0 for a whole tensor, got {self.limit}: leave one out"
            )

    @property
    def largest(self) -> int:
        """The largest stored integer."""
        return 2 ** (self.bits - 1) - 1

    def quantise(self, latent: Tensor, *, progress: float = 1.0) -> Tensor:
        """Weight [out, *] → the rounded weight, with its gradient passed on as it is; `progress` changes nothing.

        Raises:
            BadModel: weights that are not finite.
            BadSetting: a progress outside 0..1.
        """
        require_progress(progress)
        return _Straight.apply(latent, self)  # pyright: ignore[reportReturnType]

    def store(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Weight [out, *] → integers (int32) [out, *] and a scale, () or [out, 1, …]; all-zero weights get scale 1.

        Raises:
            BadModel: weights that are not finite.
        """
        require_finite(weight, f"{self.bits}-bit weights")
        top = weight.abs().flatten(1).amax(1) if self.per_channel else weight.abs().amax()
        top = top if self.limit is None else torch.full_like(top, self.limit)
        scale = torch.where(top > 0, top / self.largest, torch.ones_like(top))
        if self.per_channel:
            scale = scale.reshape(-1, *(1,) * (weight.dim() - 1))
        return (weight / scale).round().clamp(-self.largest, self.largest).to(torch.int32), scale

    def load(self, stored: Tensor, scale: Tensor) -> Tensor:
        """Integers · scale."""
        return stored * scale


class _Straight(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, latent: Tensor, form: Uniform) -> Tensor:  # noqa: ARG004
        return form.load(*form.store(latent.detach()))

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor, None]:  # noqa: ARG004  # pyright: ignore[reportIncompatibleMethodOverride]
        return outer[0], None
