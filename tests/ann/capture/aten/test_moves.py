"""Concatenations with constants and padding: what torch makes of them, and the spiking network, to the last code."""

import pytest
import torch
from support.between import Move, captured_between, require_equal
from torch import Tensor
from torch.nn import functional as F

from spikewright.errors import UnsupportedModule


def _constant(x: Tensor, *shape: int) -> Tensor:
    return torch.linspace(-1, 1, 6).expand(1, *shape).expand(x.shape[0], *shape)


MOVES: dict[str, Move] = {
    "constant behind": lambda x: torch.cat([x, _constant(x, 2, 6, 6)], 1),
    "constant in front": lambda x: torch.cat([_constant(x, 1, 6, 6), x], 1),
    "constants around": lambda x: torch.cat([_constant(x, 4, 1, 6), x, _constant(x, 4, 2, 6)], 2),
    "constant between": lambda x: torch.cat([x, _constant(x, 4, 2, 6), x * 0.5, x[:, :, :1]], 2),
    "zeros between": lambda x: torch.cat([x, 0 * _constant(x, 1, 6, 6), x], 1),
    "class token": lambda x: torch.cat([_constant(x, 1, 6), x.flatten(1, 2)], 1),
    "pad with a number": lambda x: F.pad(x, (1, 1, 0, 2), value=0.5),
    "pad channels": lambda x: F.pad(x, (0, 0, 0, 0, 1, 2), value=-0.5),
    "pad less than nothing": lambda x: F.pad(x, (-1, 1, 0, 0)),
    "chunk": lambda x: torch.cat(x.chunk(3, 2)[::-1], 2),
    "split": lambda x: x.split([1, 3], 1)[1],
    "tensor split": lambda x: x.tensor_split(3, 2)[1],
    "narrow": lambda x: x.narrow(1, 1, 2),
    "squeeze": lambda x: x.mean(1, keepdim=True).squeeze(1),
    "movedim": lambda x: x.movedim(1, -1),
    "swapaxes": lambda x: x.swapaxes(1, 2),
    "unflatten": lambda x: x.unflatten(1, (2, 2)).sum(2),
    "view as": lambda x: x.flatten(1).view_as(x),
    "new axis": lambda x: x.unsqueeze(1).expand(-1, 3, -1, -1, -1).flatten(1, 2),
}


@pytest.mark.parametrize("name", MOVES)
def test_what_is_moved_is_what_torch_moves(name: str) -> None:
    require_equal(MOVES[name])


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("constant behind", ["zero_pad", "offset"]),
        ("constants around", ["zero_pad", "offset"]),
        ("zeros between", ["concat", "zero_pad", "gather"]),
    ],
)
def test_constants_are_zeros_that_are_added_to(name: str, kinds: list[str]) -> None:
    found = [node.op.kind for node in captured_between(MOVES[name]).nodes]
    assert found[2 : 3 + len(kinds)] == [*kinds, "offset"], "the last is that of the network around it"


def test_a_number_that_is_not_finite() -> None:
    with pytest.raises(UnsupportedModule, match="padding with inf"):
        captured_between(lambda x: F.pad(x, (1, 1), value=float("inf")))
