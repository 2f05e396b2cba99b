"""Where weights start: drawn from a seed, and for convolutions under ReLU normal with variance 2 / fan-out.

Source of the variance: He et al., "Delving Deep into Rectifiers", ICCV 2015, https://arxiv.org/abs/1502.01852
"""

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod

import torch
from torch import nn


def he_normal(model: nn.Module) -> None:
    """Redraw every convolution of `model` in place; linear layers keep PyTorch's own start."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            # torch's own fan-out forgets the groups, and a depthwise layer would all but silence its input
            fan_out = module.out_channels * prod(module.kernel_size) / module.groups
            nn.init.normal_(module.weight, std=(2 / fan_out) ** 0.5)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Run the block with torch's CPU generator at `seed`, and put the generator back afterwards.

    The caller's random numbers, which torch's layers would draw from, are left alone.
    """
    with torch.random.fork_rng(devices=[]):
        # not torch.manual_seed: it would also reseed the accelerators, which are not restored here
        torch.default_generator.manual_seed(seed)
        yield
