"""An operation between two layers that fire: what torch makes of it, and what the spiking network does."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import spikewright as sw
from spikewright.ann import interpreter
from spikewright.ann.source import Source

Move = Callable[[Tensor], Tensor]


class Between(nn.Module):
    """A move of spikes, [N, 4, 6, 6], then neurons that read it; inputs are [N, 2, 6, 6]."""

    def __init__(self, move: Move) -> None:
        super().__init__()
        self.first, self.move, self.head = nn.Conv2d(2, 4, 3, padding=1), move, nn.LazyLinear(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.relu(self.move(F.relu(self.first(x))) - 0.1).flatten(1))


def captured_between(move: Move) -> Source:
    """The source, whatever is in the way."""
    torch.manual_seed(5)
    model, x = Between(move).eval(), torch.rand(2, 2, 6, 6)
    model(x)
    return sw.capture(model, x)


def require_equal(move: Move) -> Source:
    """The captured source computes what the module does, and the spiking network equals it to the last code."""
    torch.manual_seed(5)
    x = torch.rand(6, 2, 6, 6)
    model = Between(move).eval()
    expected = model(x).detach()
    source = sw.capture(model, x[:2])
    torch.testing.assert_close(interpreter.run(source, x), expected, rtol=1e-5, atol=1e-6)
    certificate = sw.verify(sw.convert(source, x, method="exact", timesteps=4), source, x)
    assert certificate.equal and certificate.proven, str(certificate)
    return source
