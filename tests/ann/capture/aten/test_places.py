"""Copies and constants: what torch makes of them, and the spiking network, to the last code."""

import pytest
import torch
from support.between import Move, captured_between, require_equal
from torch import Tensor
from torch.nn import functional as F

from spikewright.errors import UnsupportedModule

EVEN = torch.arange(6) % 2 == 0
TAKEN = torch.tensor([2, 0, 1, 1, 5, 3])


def _put(place: object, value: object) -> Move:
    def move(x: Tensor) -> Tensor:
        x = x.clone()
        x[place] = value(x) if callable(value) else value  # pyright: ignore[reportArgumentType]
        return x

    return move


ALL = slice(None)
MOVES: dict[str, Move] = {
    "where": lambda x: torch.where(EVEN, x, torch.zeros(())),
    "where, a number": lambda x: torch.where(EVEN.reshape(6, 1), 0.5, x),
    "where, two signals": lambda x: torch.where(EVEN, x, x * 0.5),
    "masked fill": lambda x: x.masked_fill(torch.eye(6).bool(), 0.25),
    "lower triangle": lambda x: x.tril(),
    "upper triangle": lambda x: x.triu(1),
    "filled slice": _put((ALL, slice(0, 1)), 0.5),
    "row written": _put((ALL, ALL, slice(1, 5, 2)), torch.linspace(0, 1, 6)),
    "places filled": _put((ALL, [0, 2]), 0.25),
    "places written": _put((ALL, [0, 2]), lambda x: x[:, 1:3]),
    "into zeros": lambda x: torch.zeros_like(x).repeat(1, 2, 1, 1).slice_scatter(x, 1, 2, 6),
    "into a constant": lambda x: torch.full_like(x, 0.3).slice_scatter(x[:, :2], 1, 0, 4, 2),
    "stacked with ones": lambda x: torch.stack([x, torch.ones_like(x) * 0.5], 2),
    "joined with new zeros": lambda x: torch.cat([x, x.new_zeros(x.shape[0], 1, 6, 6)], 1),
    "index": lambda x: x[:, [3, 0, 0]],
    "index of two axes": lambda x: x[:, :, [1, 2], [3, 0]],
    "gather": lambda x: torch.gather(x, 1, torch.tensor([2, 0]).reshape(1, 2, 1, 1).expand(x.shape[0], 2, 6, 6)),
    "along": lambda x: torch.take_along_dim(x, TAKEN.reshape(1, 1, 1, 6).expand(x.shape[0], 4, 6, 6), 3),
    "tile": lambda x: x.tile((2, 1, 1)),
    "interleave": lambda x: x.repeat_interleave(2, 1),
    "blocks": lambda x: F.unfold(x, 3, padding=1, stride=2),
    "windows": lambda x: x.unfold(2, 3, 1),
    "mirrored": torch.fliplr,
    "turned": lambda x: torch.rot90(x, 1, (2, 3)),
    "diagonal": lambda x: x.diagonal(0, 2, 3),
    "unbind": lambda x: x.unbind(1)[2] + x.unbind(1)[0],
    "hstack": lambda x: torch.hstack([x, 0.5 * x]),
}


@pytest.mark.parametrize("name", MOVES)
def test_what_is_placed_is_what_torch_places(name: str) -> None:
    require_equal(MOVES[name])


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("masked fill", ["scale", "offset"]),
        ("lower triangle", ["scale"]),
        ("where, two signals", ["scale", "scale", "scale", "add"]),
        ("tile", ["gather"]),
        ("index", ["gather"]),
        ("turned", ["reshape", "gather", "reshape"]),
        ("blocks", ["reshape", "zero_pad", "gather", "reshape"]),
    ],
)
def test_the_plainest_operations_are_taken(name: str, kinds: list[str]) -> None:
    nodes = captured_between(MOVES[name]).nodes
    assert [node.op.kind for node in nodes[2 : 2 + len(kinds)]] == kinds
    assert nodes[2 + len(kinds)].op.kind == "offset", "the one of the network around it"


def test_a_constant_made_of_a_signal_is_one() -> None:
    source = captured_between(lambda x: x + torch.ones_like(x) * 0.5)
    assert [node.op.kind for node in source.nodes[2:4]] == ["offset", "offset"]
    source = captured_between(lambda x: x + torch.where(EVEN, 0.5, 2.0) * torch.full_like(x, 2.0))
    assert source.arrays[dict(source.nodes[2].arrays)["offset"]].unique().tolist() == [1.0, 4.0]


@pytest.mark.parametrize(
    ("move", "what"),
    [
        (lambda x: x.masked_fill(EVEN, float("-inf")), "does more than copy values"),
        (lambda x: torch.where(x > 0.5, x, 0.0), "gt"),
        (lambda x: x[torch.tensor([0, 1])], "batch"),
    ],
)
def test_what_is_no_copy_is_refused(move: Move, what: str) -> None:
    with pytest.raises(UnsupportedModule, match=what):
        captured_between(move)
