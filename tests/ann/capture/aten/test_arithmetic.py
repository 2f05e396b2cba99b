"""Sums, differences and products, each way round: what was captured computes what the module does."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from spikewright.ann import interpreter
from spikewright.ann.capture.capture import capture
from spikewright.errors import UnsupportedModule

Compute = Callable[[Tensor, Tensor], Tensor]


class _Two(nn.Module):
    """A function of two signals made of one input."""

    def __init__(self, compute: Compute) -> None:
        super().__init__()
        self.compute = compute
        self.left, self.right = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.compute(torch.relu(self.left(x)), torch.relu(self.right(x)))


@pytest.mark.parametrize(
    "compute",
    [
        lambda a, b: a - b,
        lambda a, b: a - 1.5,
        lambda a, b: 1.5 - a,
        torch.rsub,
        lambda a, b: torch.add(a, b, alpha=3),
        lambda a, b: torch.sub(a, b, alpha=3),
        lambda a, b: torch.sub(a, torch.arange(4.0), alpha=2),
        lambda a, b: torch.arange(4.0) - a,
        lambda a, b: -a + b,
        lambda a, b: a * 3 + 2 * b,
        lambda a, b: a / 4 - b / torch.tensor([1.0, 2.0, 3.0, 4.0]),
    ],
)
def test_each_way_round(compute: Compute) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model, x = _Two(compute).eval(), torch.randn(5, 4)
    with torch.no_grad():
        torch.testing.assert_close(interpreter.run(capture(model, x), x), model(x))


@pytest.mark.parametrize(
    ("compute", "words"),
    [
        (lambda a, b: torch.div(a, b, rounding_mode="floor"), "a division that rounds"),
        (lambda a, b: torch.rsub(a, b, alpha=2), "rsub with alpha"),
    ],
)
def test_what_spikes_cannot_be_multiplied_by(compute: Compute, words: str) -> None:
    with pytest.raises(UnsupportedModule, match=words):
        capture(_Two(compute).eval(), torch.rand(2, 4))
