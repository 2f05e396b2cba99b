"""Byte products against int64, and what is done where they are absent or saturate."""

import pytest
import torch

from spikewright.ann.ops.products import Conv, Linear
from spikewright.engines.int8 import products as dot
from spikewright.engines.int8.products import byte_product, largest_code
from spikewright.snn.nodes import Edge, Node


def _node(op: Linear | Conv, shape: tuple[int, ...]) -> Node:
    return Node(name="n", op=op, edges=(Edge("input"),), shape=shape)


def _conv(stride: int = 1, padding: int = 1, groups: int = 1, dilation: int = 1) -> Conv:
    return Conv(stride=(stride,) * 2, padding=(padding,) * 2, dilation=(dilation,) * 2, groups=groups)


@pytest.mark.parametrize(
    ("op", "weight", "shape"),
    [
        (_conv(), (16, 8, 3, 3), (8, 9, 7)),
        (_conv(stride=2), (16, 8, 3, 3), (8, 9, 7)),
        (_conv(groups=8), (8, 1, 3, 3), (8, 9, 7)),
        (_conv(groups=2), (6, 4, 3, 3), (8, 9, 7)),
        (_conv(padding=0), (5, 8, 1, 1), (8, 9, 7)),
        (_conv(padding=2, dilation=2), (5, 3, 3, 3), (3, 9, 7)),
        (Linear(), (10, 33), (33,)),
    ],
)
@pytest.mark.parametrize("read", [1, 15, 60, 127, 255])
def test_a_product_is_that_of_integers(op: Linear | Conv, weight: tuple, shape: tuple, read: int) -> None:
    generator = torch.Generator().manual_seed(read)
    w = torch.randint(-128, 128, weight, generator=generator)
    w[0] = 127
    codes = torch.randint(0, read + 1, (5, *shape), generator=generator, dtype=torch.uint8)
    codes[0] = read
    if len(shape) == 3:
        codes = codes.contiguous(memory_format=torch.channels_last)
    exact = op([codes.double()], w.double())
    node = _node(op, tuple(exact.shape[1:]))
    product = byte_product(node, w, shape, read=read, total=float(w.abs().flatten(1).sum(1).max()) * read)
    if product is None:
        assert read > largest_code() or w.abs().flatten(1).sum(1).max() * read >= 2**24
        return
    found = product(codes)
    assert found.dtype == torch.float32
    assert torch.equal(found.double(), exact)


def test_what_bytes_cannot_hold_is_left_alone() -> None:
    node, weight = _node(Linear(), (4,)), torch.ones(4, 8)
    fits = {"read": 15.0, "total": 120.0}
    assert byte_product(node, weight * 128, (8,), **fits) is None
    assert byte_product(node, weight, (8,), read=256.0, total=2048.0) is None
    assert byte_product(node, weight, (8,), read=15.0, total=2.0**24) is None
    assert byte_product(node, weight, (3, 8), **fits) is None
    wide = Conv(stride=(1,), padding=(0,), dilation=(1,))
    assert byte_product(_node(wide, (4, 8)), torch.ones(4, 8, 1), (8, 8), **fits) is None


def test_a_product_that_is_wrong_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    node, weight = _node(Linear(), (4,)), torch.ones(4, 8)
    if largest_code():
        assert byte_product(node, weight, (8,), read=15, total=120) is not None
    right = dot._matrix

    def saturating(op: Linear, w: torch.Tensor) -> dot.Product:
        product = right(op, w)
        return lambda codes: product(codes).clamp(max=100.0)

    monkeypatch.setitem(dot._BYTE_PRODUCTS, Linear, saturating)
    assert byte_product(node, weight, (8,), read=15, total=120) is None  # 8 codes of 15 are 120


def test_without_the_operations_nothing_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object) -> dot.Product:
        raise AttributeError("no such operation")

    monkeypatch.setattr(dot, "_matrix", absent)
    monkeypatch.setitem(dot._BYTE_PRODUCTS, Linear, absent)
    assert not dot._exact(15)
    assert byte_product(_node(Linear(), (4,)), torch.ones(4, 8), (8,), read=15, total=120) is None
