"""He's initialisation for convolutions under ReLU: normal, variance 2 / fan-out.

Source: He et al., "Delving Deep into Rectifiers", ICCV 2015, https://arxiv.org/abs/1502.01852
"""

from math import prod

from torch import nn


def he_normal(model: nn.Module) -> None:
    """Redraw every convolution of `model` in place; linear layers keep PyTorch's own start."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            # torch's own fan-out forgets the groups, and a depthwise layer would all but silence its input
            fan_out = module.out_channels * prod(module.kernel_size) / module.groups
            nn.init.normal_(module.weight, std=(2 / fan_out) ** 0.5)
