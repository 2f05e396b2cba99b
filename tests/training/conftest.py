import os
from dataclasses import replace
from functools import cache

os.environ.setdefault("OMP_NUM_THREADS", "2")

import pytest
import torch
from torch import nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source


class TinyNet(nn.Module):
    """A convolution with batch norm, a capped ReLU, a residual sum, and a read-out."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(6)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(6, 6, 3, padding=1)
        self.relu2 = nn.ReLU6()
        self.pool = nn.AvgPool2d(2)
        self.flatten = nn.Flatten()
        self.out = nn.Linear(6 * 16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.relu1(self.bn1(self.conv1(x)))
        return self.out(self.flatten(self.pool(self.relu2(self.conv2(x) + x))))


def tiny() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return TinyNet()


@cache
def captured() -> Source:
    return capture(tiny(), torch.zeros(2, 1, 8, 8))


@pytest.fixture
def model() -> nn.Module:
    return tiny()


@pytest.fixture
def source() -> Source:
    """The model as captured, with arrays of this test's own."""
    return replace(captured(), arrays={name: array.clone() for name, array in captured().arrays.items()})
