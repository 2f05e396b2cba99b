import os

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


@pytest.fixture
def model() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return TinyNet()


@pytest.fixture
def source(model: nn.Module) -> Source:
    return capture(model, torch.zeros(2, 1, 8, 8))
