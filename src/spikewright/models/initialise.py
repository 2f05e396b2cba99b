"""He's initialisation for convolutions under ReLU: normal, variance 2 / fan-out.

Source: He et al., "Delving Deep into Rectifiers", ICCV 2015, https://arxiv.org/abs/1502.01852
"""

from torch import nn


def he_normal(model: nn.Module) -> None:
    """Redraw every convolution of `model` in place; linear layers keep PyTorch's own start."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
