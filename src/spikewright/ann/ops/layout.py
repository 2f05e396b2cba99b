"""Constants of a node, by channel where they are no more than that; pure tensor functions.

The first feature axis is the channel: of a linear read-out [features], of a convolution [channels, *space].
"""

import torch
from torch import Tensor


def per_channel(gain: Tensor, shape: tuple[int, ...]) -> Tensor | None:
    """A gain that broadcasts to [*shape] as one number per channel, or None where it differs within one."""
    if gain.numel() == 1:
        return gain.reshape(1).expand(shape[0])
    full = gain.shape if gain.dim() == len(shape) else (1,) * (len(shape) - gain.dim()) + tuple(gain.shape)
    if any(size != 1 for size in full[1:]) or full[0] != shape[0]:
        return None
    return gain.reshape(shape[0])


def compact(constant: Tensor) -> Tensor:
    """A map [channels, *space] as one number per channel where it is constant over space, else as it is."""
    if constant.dim() < 2:
        return constant
    first = constant[(slice(None), *(slice(0, 1),) * (constant.dim() - 1))]
    return first.clone() if torch.equal(first.expand_as(constant), constant) else constant
