"""The fully connected networks of paper 1 without biases, for images of 28x28: what `train --model` can name."""

from functools import partial
from itertools import pairwise

from torch import nn

HIDDEN = {"top0": (32,), "top1": (64, 32), "top2": (128, 64), "top3": (128, 64, 64, 32), "top4": (512, 256, 256, 128)}


def network(name: str) -> nn.Module:
    """Linear-ReLU layers without biases, then a linear read-out of 10 classes."""
    widths = (784, *HIDDEN[name])
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs, bias=False), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], 10, bias=False))


top0, top1, top2, top3, top4 = (partial(network, name) for name in HIDDEN)
