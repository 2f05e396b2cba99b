"""Symmetric uniform b-bit weights: integer = round(w / scale), scale = max|w| / (2^(b−1) − 1).

Rounded half to even and clamped to ±(2^(b−1) − 1). One scale a tensor, or one an output channel.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from spikewright.errors import BadSetting


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform:
    """b-bit two's-complement weights.

    Attributes:
        bits: 2..16.
        per_channel: one scale for each index of the first axis instead of one in all.
    """

    bits: int = 8
    per_channel: bool = False

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 16:
            raise BadSetting(f"weight bits must be in 2..16, got {self.bits}: one-bit weights need their own training")

    @property
    def largest(self) -> int:
        """The largest stored integer."""
        return 2 ** (self.bits - 1) - 1

    def store(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Weight [out, *] → integers [out, *] and a scale, () or [out, 1, …]; all-zero weights get scale 1."""
        top = weight.abs().flatten(1).amax(1) if self.per_channel else weight.abs().amax()
        scale = torch.where(top > 0, top / self.largest, torch.ones_like(top))
        if self.per_channel:
            scale = scale.reshape(-1, *(1,) * (weight.dim() - 1))
        return (weight / scale).round().clamp(-self.largest, self.largest).to(torch.int32), scale

    def load(self, stored: Tensor, scale: Tensor) -> Tensor:
        """Integers · scale."""
        return stored * scale
