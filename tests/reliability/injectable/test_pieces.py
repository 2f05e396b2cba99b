"""Products of stored integers, exact whatever the batch, the layout and the arithmetic, against Python integers."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor

from spikewright.ann.ops.products import Conv, Linear
from spikewright.errors import NotExact
from spikewright.reliability.injectable.pieces import (
    Weights,
    laid_out,
    lanes,
    pick,
    pick_channels,
    weights_for,
)

CONV = Conv(stride=(1,), padding=(1,), dilation=(1,))


def weights(integers: Tensor, *, op: Linear | Conv | None = None, bits: int = 8, **more: Any) -> Weights:
    given = {"most": 1.0, "golden": 1.0, "fine": True, **more}
    return weights_for(op or Linear(), memory="fc", bits=bits, integers=integers, **given)


def drawn(seed: int, *shape: int, low: int = -128, high: int = 127) -> Tensor:
    return torch.randint(low, high + 1, shape, generator=torch.Generator().manual_seed(seed))


def summed(integers: Tensor, read: Tensor) -> list[list[list[int]]]:
    """[out, in] times [T, N, in], in Python integers."""
    rows = [[int(w) for w in row] for row in integers]
    return [
        [[sum(w * int(v) for w, v in zip(row, image, strict=True)) for row in rows] for image in step] for step in read
    ]


# Arithmetic ----------------------------------------------------------------------------------------------------


@given(
    bits=st.sampled_from([1, 2, 4, 8, 12, 16]), sums=st.integers(1, 40), power=st.integers(0, 50),
    near=st.integers(-2, 2), seed=st.integers(0, 99), other=st.booleans(),
)  # fmt: skip
@example(bits=8, sums=1, power=17, near=0, seed=0, other=True)
def test_products_are_the_sums_in_python_integers(
    bits: int, sums: int, power: int, near: int, seed: int, other: bool
) -> None:
    """For inputs just below and above every power of two: float32, two halves, and float64."""
    most, top = max(2**power + near, 1), 1 if bits == 1 else 2 ** (bits - 1)
    integers = torch.where(drawn(seed, 3, sums, low=0, high=1) == 1, -top, 1 if bits == 1 else top - 1)
    stored = weights(integers, bits=bits, most=float(most))
    if stored.exponent is not None:
        assert 2 * most * top * sums > 2**53
        return
    assert 2 * most * top * sums <= 2**53
    assert stored.limit == most
    given = torch.where(drawn(seed + 1, 2, 4, sums, low=0, high=1) == 1, most, -most).double()
    given = torch.where(drawn(seed + 2, 2, 4, sums, low=0, high=1) == 1, given, given.sign() * (most // 3))
    read = stored.on_grid(given)
    assert read.double().tolist() == given.tolist()
    assert float(read.abs().max()) <= stored.largest(read) <= most
    assert stored.product(read).double().tolist() == summed(integers, given)
    faulty = torch.full((3, sums), -top)
    assert stored.product(read, faulty.float()).double().tolist() == summed(faulty, given)
    if other:  # how two values differ
        apart = given - given.flip(1)
        found = stored.product(apart, largest=float(apart.abs().max()))
        assert found.double().tolist() == summed(integers, apart)


@given(
    value=st.floats(-1e6, 1e6), golden=st.floats(1e-3, 1e3), bits=st.sampled_from([2, 8, 16]),
    sums=st.integers(1, 4000), fine=st.booleans(), weight=st.integers(0, 1),
)  # fmt: skip
def test_the_grid_of_values_that_are_no_whole_numbers(
    value: float, golden: float, bits: int, sums: int, fine: bool, weight: int
) -> None:
    top = 2 ** (bits - 1) - 1
    integers = torch.full((1, sums), weight * top, dtype=torch.int32)
    room = math.floor(math.log2(2**53 / (2 * (top + 1) * sums)))
    stored = weights(integers, bits=bits, most=None, golden=golden, fine=fine)
    assert stored.exponent is not None
    # differences of values up to the limit are summed without rounding too, with the largest weights there are
    assert stored.limit == 2.0**room
    # the largest fault-free value has so many bits
    plenty = math.floor(math.log2(2**24 / max(weight * top * sums, 1))) - 1
    digits = min(20 if fine else min(max(plenty, 8), 16), room - 10)
    assert stored.exponent == digits - math.frexp(golden)[1]
    step, rounded = 2.0**-stored.exponent, value if fine else float(np.float32(value))
    read = stored.on_grid(torch.tensor([value], dtype=torch.float64)).double()
    assert read.item() == round(read.item())
    if abs(rounded) / step <= stored.limit:
        assert abs(read.item() * step - rounded) <= step / 2
    else:
        assert read.item() == math.copysign(stored.limit, value)


@given(st.integers(0, 999), st.sampled_from([torch.float32, torch.float64]), st.sampled_from([300, 2**25]))
def test_whole_numbers_are_read_as_they_are(seed: int, dtype: torch.dtype, most: int) -> None:
    stored = weights(drawn(seed, 2, 3), most=float(most))
    value = drawn(seed, 2, 5, 3, low=-300, high=300).to(dtype)
    assert stored.on_grid(value).tolist() == value.tolist()
    assert stored.on_grid(value).dtype == (torch.float32 if most == 300 else torch.float64)


def test_the_largest_of_nothing() -> None:
    stored = weights(drawn(0, 2, 3), most=2.0**30)
    assert stored.largest(torch.empty(1, 0, 3)) == 0.0
    assert stored.largest(torch.tensor([[[-7.0, 2.0, 0.0]]])) == 7.0


def test_values_that_are_always_zero_have_a_grid_too() -> None:
    stored = weights(drawn(0, 2, 3), most=None, golden=0.0)
    assert stored.on_grid(torch.tensor([0.25])).item() == 0.25 * 2.0 ** (stored.exponent or 0)


def test_sums_that_nothing_holds_are_refused() -> None:
    with pytest.raises(NotExact, match=r"layer 'fc' sums 1048576 products of 16-bit weights, .*: fewer --bits"):
        weights(torch.zeros(1, 2**20, dtype=torch.int8), bits=16, most=None)


def test_all_three_ways_are_taken() -> None:
    stored = weights(torch.full((1, 4), 100), most=None)
    kinds = []
    plain = Weights._product

    def watched(self: Weights, read: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        kinds.append(read.dtype)
        return plain(self, read, weight)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Weights, "_product", watched)
        for largest in (1, 2**20, 2**40):
            stored.product(torch.full((1, 1, 4), float(largest), dtype=torch.float64))
    assert kinds == [torch.float32, torch.float32, torch.float32, torch.float64]


def test_a_convolution_in_halves() -> None:
    op = Conv(stride=(1, 1), padding=(1, 1), dilation=(1, 1))
    weight = drawn(0, 5, 3, 3, 3)
    read = drawn(1, 2, 2, 3, 6, 6, low=-(2**20), high=2**20).double()
    stored = weights(weight, op=op, most=None)
    assert not stored.fits(stored.largest(read))
    expected = torch.nn.functional.conv2d(read.flatten(0, 1), weight.double(), padding=1).unflatten(0, (2, 2))
    assert torch.equal(stored.product(read).double(), expected)


def test_the_reach_is_that_of_the_worst_output() -> None:
    assert Linear().reach(torch.tensor([[1.0, -2.0], [3.0, 4.0]])) == 7
    assert Conv(stride=(1,), padding=(0,), dilation=(1,), transposed=True).reach(torch.ones(2, 3, 4)) == 24


def test_a_coarse_grid_fits_float32_and_a_fine_one_is_finer() -> None:
    weight = drawn(0, 4, 300, low=-127)
    coarse, fine = weights(weight, most=None, fine=False, golden=0.9), weights(weight, most=None, golden=0.9)
    value = torch.linspace(-0.9, 0.9, 300).reshape(1, 1, 300)
    assert coarse.exponent is not None
    assert fine.exponent is not None
    assert coarse.exponent < fine.exponent == 20
    assert coarse.fits(coarse.largest(coarse.on_grid(value)))
    assert not fine.fits(fine.largest(fine.on_grid(value)))
    assert torch.equal(coarse.on_grid(value), (value * 2.0**coarse.exponent).round())


# What an output meets ------------------------------------------------------------------------------------------

OPS = [
    (Linear(), (4, 7)),
    (CONV, (4, 6, 3)),
    (Conv(stride=(2,), padding=(0,), dilation=(1,), groups=2), (4, 3, 3)),
    (Conv(stride=(1, 1), padding=(1, 1), dilation=(1, 1), groups=4), (4, 1, 3, 3)),
    (Conv(stride=(2,), padding=(1,), dilation=(1,), transposed=True, output_padding=(0,)), (6, 4, 3)),
    (Conv(stride=(1,), padding=(0,), dilation=(1,), groups=3, transposed=True, output_padding=(0,)), (6, 2, 4)),
]


@pytest.mark.parametrize(("op", "shape"), OPS)
def test_no_output_meets_more_weights(op: Linear | Conv, shape: tuple[int, ...]) -> None:
    ones = torch.ones(shape, dtype=torch.float64)
    channels = shape[1] if isinstance(op, Linear) else shape[0] if op.transposed else shape[1] * op.groups
    given = torch.ones(1, channels, *(6,) * (len(shape) - 2), dtype=torch.float64)
    assert float(op([given], ones).max()) <= min(op.fan_in(ones), op.reach(ones))
    stored = weights(ones.int(), op=op)
    assert stored.channels == op([given], ones).shape[1]


@pytest.mark.parametrize(("op", "shape"), OPS)
def test_channels_are_rows_and_columns_where_it_says_so(op: Linear | Conv, shape: tuple[int, ...]) -> None:
    integers = drawn(1, *shape)
    stored = weights(integers, op=op, most=100.0)
    channels = shape[1] if isinstance(op, Linear) else shape[0] if op.transposed else shape[1] * op.groups
    value = drawn(2, 2, 3, channels, *(6,) * (len(shape) - 2), low=0, high=9).float()
    whole = stored.product(value)
    assert stored.by_channel == (op in (Linear(), CONV))
    if stored.by_channel:
        rows, columns = torch.tensor([0, 2]), torch.tensor([1, 4])
        assert torch.equal(stored.product(value, stored.integers[rows]), whole[:, :, rows])
        assert torch.equal(
            stored.product(value[:, :, columns], stored.integers[:, columns])
            + stored.product(value.index_fill(2, columns, 0)),
            whole,
        )


@pytest.mark.parametrize(("op", "shape"), OPS)
def test_a_product_is_the_same_in_any_batch(op: Linear | Conv, shape: tuple[int, ...]) -> None:
    stored = weights(drawn(1, *shape), op=op, most=None, golden=1.0)
    channels = shape[1] if isinstance(op, Linear) else shape[0] if op.transposed else shape[1] * op.groups
    value = torch.randn(2, 7, channels, *(6,) * (len(shape) - 2), generator=torch.Generator().manual_seed(3))
    read = laid_out(stored.on_grid(value))
    whole = stored.product(read)
    for size in (1, 2, 5):
        parts = [stored.product(read[:, start : start + size]) for start in range(0, 7, size)]
        assert torch.equal(torch.cat(parts, 1), whole)


def test_a_matrix_product_over_the_last_axis_of_more() -> None:
    stored = weights(drawn(1, 3, 4), most=9.0)
    value = drawn(2, 2, 5, 6, 4, low=0, high=9).float()
    found = stored.product(value)
    assert found.shape == (2, 5, 6, 3)
    assert torch.equal(found.double(), torch.einsum("tnsi,oi->tnso", value.double(), stored.integers.double()))


# Layout --------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 4), min_size=3, max_size=5), st.integers(0, 99), st.data())
def test_picking_from_a_batch_and_from_channels(shape: list[int], seed: int, data: st.DataObject) -> None:
    value = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
    laid = laid_out(value)
    assert torch.equal(laid, value)
    assert lanes(laid).data_ptr() == laid.data_ptr() if len(shape) == 3 else laid.is_contiguous()
    rows = torch.tensor(data.draw(st.lists(st.integers(0, shape[1] - 1), max_size=5)), dtype=torch.int64)
    channels = torch.tensor(data.draw(st.lists(st.integers(0, shape[2] - 1), max_size=5)), dtype=torch.int64)
    assert torch.equal(pick(laid, rows), value[:, rows])
    assert torch.equal(pick_channels(laid, channels), value[:, :, channels])
    assert pick(laid, None) is laid
    assert pick_channels(laid, None) is laid
    if rows.numel() and channels.numel():
        assert torch.equal(pick_channels(pick(laid, rows), channels), value[:, rows][:, :, channels])
