"""How many numbers are in memory at once, counted by hand."""

import torch
from torch import nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.memory import numbers_at_once, samples_at_once


def test_a_chain_and_a_shortcut() -> None:
    source = capture(nn.Sequential(nn.Linear(10, 6), nn.ReLU(), nn.Linear(6, 3)), torch.randn(2, 10))
    assert numbers_at_once(source) == 10 + 2 * 6  # at the first product

    class Shortcut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(10, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.a(x).relu() + x

    assert numbers_at_once(capture(Shortcut(), torch.randn(2, 10))) == 10 + 10 + 2 * 10  # x is read once more


def test_samples_in_so_many_bytes() -> None:
    source = capture(nn.Sequential(nn.Linear(10, 6), nn.ReLU()), torch.randn(2, 10))
    assert samples_at_once(source, 4 * 22 * 7) == 7
    assert samples_at_once(source, 1) == 1
