"""Copies of values: what torch does, and what the spiking network makes of it, to the last code."""

import pytest
import torch
from support.between import Move, captured_between, require_equal
from torch import Tensor, nn
from torch.nn import functional as F

from spikewright.errors import UnsupportedModule


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
    "maximum with 0": lambda x: torch.maximum(x - 0.3, torch.zeros(())),
    "PReLU": lambda x: F.prelu(x - 0.4, torch.tensor([0.2, -0.3, 0.0, 1.5])),
    "leaky ReLU": lambda x: F.leaky_relu(x - 0.4, 0.1),
    "largest of all": lambda x: x.amax((2, 3), keepdim=True),
}


@pytest.mark.parametrize("name", MOVES)
def test_what_is_moved_is_what_torch_moves(name: str) -> None:
    require_equal(MOVES[name])


@pytest.mark.parametrize(
    ("move", "what"),
    [
        (lambda x: torch.roll(x, 1), "roll over everything"),
        (lambda x: x.amax(1, keepdim=True), "not over all axes of space"),
    ],
)
def test_what_no_copy_is(move: Move, what: str) -> None:
    with pytest.raises(UnsupportedModule, match=what):
        captured_between(move)
