"""Gaussian noise on prepared inputs, its standard deviation a share of the range they can have.

x' = x + share · (high − low) · n,   n ~ N(0, 1), independent for each value; not clipped to the range
"""

import torch
from torch import Tensor

from spikewright.errors import BadSetting


def add_noise(x: Tensor, *, share: float, value_range: tuple[float, float], generator: torch.Generator) -> Tensor:
    """A noisy copy of x; a share of 0 gives x itself and draws nothing.

    Args:
        x: prepared inputs, any shape.
        share: standard deviation as a share of the range, ≥ 0.
        value_range: smallest and largest value that an input can have (`InputPreparation.value_range`).
        generator: the source of randomness.

    Raises:
        BadSetting: a negative or infinite share.

    """
    if not 0 <= share < float("inf"):
        raise BadSetting(f"noise must be a finite share of at least 0, got {share}")
    if share == 0:
        return x
    low, high = value_range
    drawn = torch.randn(x.shape, dtype=x.dtype, device=generator.device, generator=generator)
    return x + drawn.to(x.device) * (share * (high - low))
