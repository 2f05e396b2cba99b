"""Sums over products with constants: what torch makes of them, and the spiking network, to the last code."""

import math

import pytest
import torch
from support.between import Move, captured_between, require_equal
from torch import Tensor
from torch.nn import functional as F

from spikewright.errors import UnsupportedModule


def _constant(*shape: int) -> Tensor:
    return (torch.arange(math.prod(shape)) * 1.7).sin().reshape(shape)


MOVES: dict[str, Move] = {
    "einsum over channels": lambda x: torch.einsum("nchw,cd->ndhw", x, _constant(4, 3)),
    "einsum over a place": lambda x: torch.einsum("nchw,hk->nckw", x, _constant(6, 5)),
    "einsum over two axes": lambda x: torch.einsum("nchw,hwk->nkc", x, _constant(6, 6, 5)),
    "einsum, constant first": lambda x: torch.einsum("dc,nchw->ndhw", _constant(3, 4), x),
    "einsum, factors": lambda x: torch.einsum("nchw,wc->nhwc", x, _constant(6, 4)),
    "einsum, a matrix for each channel": lambda x: torch.einsum("nchw,chk->nckw", x, _constant(4, 6, 3)),
    "einsum, outer": lambda x: torch.einsum("nchw,ck->nchwk", x, _constant(4, 2)),
    "einsum, sum": lambda x: torch.einsum("nchw->nc", x),
    "einsum, what the constant lacks": lambda x: torch.einsum("nchw,ck->nk", x, _constant(4, 3)),
    "einsum, what nobody reads": lambda x: torch.einsum("nchw,cdz->nhwd", x, _constant(4, 3, 2)),
    "matmul": lambda x: x @ _constant(6, 5),
    "matmul from the left": lambda x: _constant(5, 6) @ x,
    "matmul with a vector": lambda x: x @ _constant(6),
    "matmul, a matrix for each channel": lambda x: x @ _constant(4, 6, 3),
    "matmul, broadcast": lambda x: _constant(1, 1, 5, 6) @ x,
    "bmm": lambda x: torch.bmm(x.flatten(1, 2), _constant(1, 6, 5).expand(x.shape[0], -1, -1)),
    "bmm from the left": lambda x: torch.bmm(_constant(1, 3, 24).expand(x.shape[0], -1, -1), x.flatten(1, 2)),
    "tensordot": lambda x: torch.tensordot(x, _constant(5, 6, 4), dims=([3, 1], [1, 2])),
    "cumulated": lambda x: x.cumsum(2),
    "cumulated over channels": lambda x: x.cumsum(1),
    "folded": lambda x: F.fold(F.unfold(x, 2, stride=2), (6, 6), 2, stride=2),
    "folded, overlapping": lambda x: F.fold(F.unfold(x, 3, padding=1, stride=2), (6, 6), 3, padding=1, stride=2),
    "fixed filter": lambda x: F.conv2d(x, torch.ones(4, 1, 3, 3) / 9, groups=4, padding=1),
}


@pytest.mark.parametrize("name", MOVES)
def test_what_is_summed_is_what_torch_sums(name: str) -> None:
    require_equal(MOVES[name])


def test_factors_without_a_sum_are_no_product() -> None:
    kinds = [node.op.kind for node in captured_between(MOVES["einsum, factors"]).nodes]
    assert kinds[2:4] == ["permute", "scale"]


@pytest.mark.parametrize(
    ("move", "what"),
    [
        (lambda x: torch.einsum("nchw,nchw->nc", x, x), "two signals"),
        (lambda x: torch.einsum("n...,n...->n...", x, x), "name every axis"),
        (lambda x: torch.einsum("nchh->nch", x), "diagonal"),
    ],
)
def test_what_is_refused(move: Move, what: str) -> None:
    with pytest.raises(UnsupportedModule, match=what):
        captured_between(move)
