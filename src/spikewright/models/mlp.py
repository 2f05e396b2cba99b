"""Fully connected ReLU networks, named by depth: TOP0 (32-10) to TOP4 (512-256-256-128-10).

The image is flattened first; every layer has a bias; the last width is the number of classes.

Source: the fully connected topologies common in studies of directly trained spiking networks on MNIST,
e.g. Eshraghian et al., "Training Spiking Neural Networks Using Lessons From Deep Learning",
https://arxiv.org/abs/2109.12894
"""

from itertools import pairwise
from math import prod

from torch import nn


def mlp(hidden: tuple[int, ...], *, channels: int, size: tuple[int, int], classes: int) -> nn.Sequential:
    """Build Linear-ReLU layers of the widths in `hidden`, then a linear read-out."""
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise((channels * prod(size), *hidden)):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(hidden[-1], classes))


def top0(*, channels: int, size: tuple[int, int], classes: int) -> nn.Module:
    """Build TOP0: one hidden layer of 32."""
    return mlp((32,), channels=channels, size=size, classes=classes)


def top1(*, channels: int, size: tuple[int, int], classes: int) -> nn.Module:
    """Build TOP1: hidden layers of 64 and 32."""
    return mlp((64, 32), channels=channels, size=size, classes=classes)


def top2(*, channels: int, size: tuple[int, int], classes: int) -> nn.Module:
    """Build TOP2: hidden layers of 128 and 64."""
    return mlp((128, 64), channels=channels, size=size, classes=classes)


def top3(*, channels: int, size: tuple[int, int], classes: int) -> nn.Module:
    """Build TOP3: hidden layers of 128, 64, 64 and 32."""
    return mlp((128, 64, 64, 32), channels=channels, size=size, classes=classes)


def top4(*, channels: int, size: tuple[int, int], classes: int) -> nn.Module:
    """Build TOP4: hidden layers of 512, 256, 256 and 128."""
    return mlp((512, 256, 256, 128), channels=channels, size=size, classes=classes)


MODELS = (top0, top1, top2, top3, top4)
