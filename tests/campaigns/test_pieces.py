"""Products of stored integers, exact whatever the batch, the layout and the arithmetic, against Python integers."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spikewright.campaigns.pieces import (
    FLOAT32_EXACT,
    GOLDEN_BITS,
    Weights,
    laid_out,
    lanes,
    met,
    pick,
    pick_channels,
    weights_for,
)
from spikewright.errors import NotExact
from spikewright.ops import Conv, Linear

CONV = Conv(stride=(1,), padding=(1,), dilation=(1,))


def weights(integers: Tensor, *, op: Linear | Conv | None = None, bits: int = 8, **more: float | None) -> Weights:
    given = {"most": 1.0, "golden": 1.0, **more}
    return weights_for(op or Linear(), memory="fc", bits=bits, integers=integers, **given)  # pyright: ignore[reportArgumentType]


def drawn(seed: int, *shape: int, low: int = -128, high: int = 127) -> Tensor:
    return torch.randint(low, high + 1, shape, generator=torch.Generator().manual_seed(seed))


# Arithmetic ----------------------------------------------------------------------------------------------------


@given(
    bits=st.sampled_from([1, 2, 4, 8, 12, 16]), sums=st.integers(1, 40), most=st.integers(1, 2**40),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_products_of_whole_numbers_are_exact_at_their_very_largest(bits: int, sums: int, most: int, seed: int) -> None:
    low, high = (-1, 1) if bits == 1 else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    integers = torch.where(drawn(seed, 3, sums, low=0, high=1) == 1, low, high)
    held = weights(integers, bits=bits, most=float(most))
    if held.exponent is not None:
        assert most * -low * sums * 2 > 2**53
        return
    assert (held.integers.dtype == torch.float32) == (most * -low * sums * 2 <= FLOAT32_EXACT)
    values = torch.where(drawn(seed + 1, 2, 4, sums, low=0, high=1) == 1, most, -most)
    for read in (values, values - values.flip(1)):  # a value, and how two of them differ
        expected = [
            [[sum(int(w) * int(v) for w, v in zip(row, image, strict=True)) for row in integers] for image in step]
            for step in read
        ]
        found = held.product(held.on_grid(values) if read is values else read.to(held.integers.dtype))
        assert found.to(torch.float64).tolist() == expected


def test_the_difference_of_two_readings_has_one_bit_more() -> None:
    # 2^17 · 2^7 is 2^24, but what is read can differ by twice as much
    held = weights(torch.tensor([[127]]), most=2.0**17)
    change = torch.tensor([[[2.0**18 - 1]]]).to(held.integers.dtype)
    assert float(held.product(change)) == 127 * (2**18 - 1)
    assert weights(torch.tensor([[127]]), most=2.0**16).integers.dtype == torch.float32


@given(
    value=st.floats(-1e6, 1e6), golden=st.floats(1e-3, 1e3), bits=st.sampled_from([2, 8, 16]), sums=st.integers(1, 4000)
)
def test_the_grid_of_values_that_are_no_whole_numbers(value: float, golden: float, bits: int, sums: int) -> None:
    held = weights(torch.zeros(1, sums, dtype=torch.int32), bits=bits, most=None, golden=golden)
    assert held.exponent is not None and held.integers.dtype == torch.float64
    step = 2.0**-held.exponent
    assert held.limit * 2 * 2 ** (bits - 1) * sums <= 2.0**53  # differences too are summed without rounding
    kept = min(GOLDEN_BITS, math.log2(held.limit) - 10)
    assert golden / 2**kept <= step * 2 and step <= 2 * golden / 2 ** math.floor(kept)
    read = held.on_grid(torch.tensor([value], dtype=torch.float64))
    assert read.item() == round(read.item())
    if abs(value) / step <= held.limit:
        assert abs(read.item() * step - value) <= step / 2
    else:
        assert read.item() == math.copysign(held.limit, value)


@given(st.integers(0, 999), st.sampled_from([torch.float32, torch.float64]))
def test_whole_numbers_are_read_as_they_are(seed: int, dtype: torch.dtype) -> None:
    held = weights(drawn(seed, 2, 3), most=300.0)
    value = drawn(seed, 2, 5, 3, low=-300, high=300).to(dtype)
    assert held.on_grid(value).tolist() == value.tolist()
    assert held.on_grid(value).dtype == held.integers.dtype


def test_values_that_are_always_zero_have_a_grid_too() -> None:
    held = weights(drawn(0, 2, 3), most=None, golden=0.0)
    assert held.on_grid(torch.tensor([0.25])).item() == 0.25 * 2.0 ** (held.exponent or 0)


def test_sums_that_nothing_holds_are_refused() -> None:
    with pytest.raises(NotExact, match=r"layer 'fc' sums 8388608 products of 16-bit weights, .*: fewer --bits"):
        weights(torch.zeros(1, 2**23, dtype=torch.int8), bits=16, most=None)


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
    assert float(op([given], ones).max()) <= met(op, ones)
    held = weights(ones.int(), op=op)
    assert held.channels == op([given], ones).shape[1]


@pytest.mark.parametrize(("op", "shape"), OPS)
def test_channels_are_rows_and_columns_where_it_says_so(op: Linear | Conv, shape: tuple[int, ...]) -> None:
    integers = drawn(1, *shape)
    held = weights(integers, op=op, most=100.0)
    channels = shape[1] if isinstance(op, Linear) else shape[0] if op.transposed else shape[1] * op.groups
    value = drawn(2, 2, 3, channels, *(6,) * (len(shape) - 2), low=0, high=9).to(held.integers.dtype)
    whole = held.product(value)
    assert held.by_channel == (op in (Linear(), CONV))
    if held.by_channel:
        rows, columns = torch.tensor([0, 2]), torch.tensor([1, 4])
        assert torch.equal(held.product(value, held.integers[rows]), whole[:, :, rows])
        assert torch.equal(
            held.product(value[:, :, columns], held.integers[:, columns])
            + held.product(value.index_fill(2, columns, 0)),
            whole,
        )


@pytest.mark.parametrize(("op", "shape"), OPS)
def test_a_product_is_the_same_in_any_batch(op: Linear | Conv, shape: tuple[int, ...]) -> None:
    held = weights(drawn(1, *shape), op=op, most=None, golden=1.0)
    channels = shape[1] if isinstance(op, Linear) else shape[0] if op.transposed else shape[1] * op.groups
    value = torch.randn(2, 7, channels, *(6,) * (len(shape) - 2), generator=torch.Generator().manual_seed(3))
    read = laid_out(held.on_grid(value))
    whole = held.product(read)
    for size in (1, 2, 5):
        parts = [held.product(read[:, start : start + size]) for start in range(0, 7, size)]
        assert torch.equal(torch.cat(parts, 1), whole)


def test_a_matrix_product_over_the_last_axis_of_more() -> None:
    held = weights(drawn(1, 3, 4), most=9.0)
    value = drawn(2, 2, 5, 6, 4, low=0, high=9).to(held.integers.dtype)
    found = held.product(value)
    assert found.shape == (2, 5, 6, 3)
    assert torch.equal(found.double(), torch.einsum("tnsi,oi->tnso", value.double(), held.integers.double()))


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
