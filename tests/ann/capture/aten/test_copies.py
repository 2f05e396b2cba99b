"""Copies of values: what torch does, and what the spiking network makes of it, to the last code."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import spikewright as sw
from spikewright.ann import interpreter
from spikewright.errors import UnsupportedModule

Move = Callable[[Tensor], Tensor]


def _written(x: Tensor) -> Tensor:
    x = x.clone()
    x[:, 1:3] = x[:, :2] + x[:, 2:4]
    x[:, 0] = x[:, 3]
    x[:, :, ::2] = x[:, :, 1::2]
    return x


MOVES: dict[str, Move] = {
    "reflect": lambda x: F.pad(x, (1, 2, 2, 0), mode="reflect"),
    "replicate": lambda x: F.pad(x, (3, 1, 0, 2), mode="replicate"),
    "circular": lambda x: F.pad(x, (1, 2, 0, 1), mode="circular"),
    "reflection layer": nn.ReflectionPad2d(2),
    "replication layer": nn.ReplicationPad2d((0, 3, 1, 1)),
    "nearest": lambda x: F.interpolate(x, size=(9, 5)),
    "nearest by a factor": lambda x: F.interpolate(x, scale_factor=1.7),
    "nearest-exact": lambda x: F.interpolate(x, size=(9, 4), mode="nearest-exact"),
    "pixel shuffle": lambda x: F.pixel_shuffle(x, 2),
    "pixel unshuffle": lambda x: F.pixel_unshuffle(x, 2),
    "channel shuffle": lambda x: F.channel_shuffle(x, 2),
    "stack": lambda x: torch.stack([x, x * 0.5], 1).sum(1),
    "flip": lambda x: x.flip(1, 3),
    "roll": lambda x: torch.roll(x, (1, -2), (2, 3)),
    "repeat": lambda x: x.repeat(1, 2, 1, 3),
    "expand": lambda x: x.mean(2, keepdim=True).expand(-1, -1, 5, -1),
    "index select": lambda x: x.index_select(1, torch.tensor([3, 0, 0, 2])),
    "written": _written,
    "bilinear": lambda x: F.interpolate(x, size=(9, 5), mode="bilinear"),
    "bilinear by a factor": lambda x: F.interpolate(x, scale_factor=(1.6, 2.3), mode="bilinear"),
    "bilinear, corners": lambda x: F.interpolate(x, size=(9, 12), mode="bilinear", align_corners=True),
    "bicubic": lambda x: F.interpolate(x, size=(10, 12), mode="bicubic"),
    "maximum with 0": lambda x: torch.maximum(x - 0.3, torch.zeros(())),
    "PReLU": lambda x: F.prelu(x - 0.4, torch.tensor([0.2, -0.3, 0.0, 1.5])),
    "leaky ReLU": lambda x: F.leaky_relu(x - 0.4, 0.1),
    "largest of all": lambda x: x.amax((2, 3), keepdim=True),
}


class Between(nn.Module):
    """A move of spikes, then neurons that read it."""

    def __init__(self, move: Move) -> None:
        super().__init__()
        self.first, self.move, self.head = nn.Conv2d(2, 4, 3, padding=1), move, nn.LazyLinear(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.relu(self.move(F.relu(self.first(x))) - 0.1).flatten(1))


@pytest.mark.parametrize("name", MOVES)
def test_what_is_moved_is_what_torch_moves(name: str) -> None:
    torch.manual_seed(5)
    x = torch.rand(6, 2, 6, 6)
    model = Between(MOVES[name]).eval()
    expected = model(x).detach()
    source = sw.capture(model, x[:2])
    torch.testing.assert_close(interpreter.run(source, x), expected, rtol=1e-5, atol=1e-6)
    network = sw.convert(source, x, method="exact", timesteps=4)
    certificate = sw.verify(network, source, x)
    assert certificate.equal and certificate.proven, str(certificate)


@pytest.mark.parametrize(
    ("move", "what"),
    [
        (lambda x: F.pad(x, (1, 1), value=0.5), "constant that is not zero"),
        (lambda x: torch.roll(x, 1), "roll over everything"),
        (lambda x: x.amax(1, keepdim=True), "not over all axes of space"),
    ],
)
def test_what_no_copy_is(move: Move, what: str) -> None:
    model = Between(move).eval()
    x = torch.rand(2, 2, 6, 6)
    model(x)
    with pytest.raises(UnsupportedModule, match=what):
        sw.capture(model, x)
