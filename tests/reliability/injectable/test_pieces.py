"""Products of stored integers, exact whatever the batch, the layout and the arithmetic, against Python integers."""

from fractions import Fraction
from typing import Any

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor

from spikewright.ann.ops.pools import AdaptiveAveragePool
from spikewright.ann.ops.products import Conv, Linear
from spikewright.errors import NotExact
from spikewright.reliability.injectable.layout import laid_out
from spikewright.reliability.injectable.own_grid import Read
from spikewright.reliability.injectable.pieces import Weights, averaged, weights_for

CONV = Conv(stride=(1,), padding=(1,), dilation=(1,))


def weights(integers: Tensor, *, op: Linear | Conv | None = None, bits: int = 8, **more: Any) -> Weights:
    given = {"most": 1.0, **more}
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
    if stored.digits is not None:
        assert 2 * most * top * sums > 2**53
        return
    assert 2 * most * top * sums <= 2**53
    assert stored.limit == most
    given = torch.where(drawn(seed + 1, 2, 4, sums, low=0, high=1) == 1, most, -most).double()
    given = torch.where(drawn(seed + 2, 2, 4, sums, low=0, high=1) == 1, given, given.sign() * (most // 3))
    read = stored.read(given)
    assert read.values.double().tolist() == given.tolist()
    assert float(read.values.abs().max()) <= stored.largest(read) <= most
    assert stored.product(read).double().tolist() == summed(integers, given)
    faulty = torch.full((3, sums), -top)
    assert stored.product(read, faulty.float()).double().tolist() == summed(faulty, given)
    if other:  # how two values differ
        apart = given - given.flip(1)
        found = stored.product(Read(apart), largest=float(apart.abs().max()))
        assert found.double().tolist() == summed(integers, apart)


@given(bits=st.sampled_from([1, 2, 8, 16]), sums=st.integers(1, 4000), convolved=st.booleans())
def test_so_many_digits_that_the_largest_weights_sum_exactly(bits: int, sums: int, convolved: bool) -> None:
    top = 1 if bits == 1 else 2 ** (bits - 1)
    shape, op = ((1, sums, 1), CONV) if convolved else ((1, sums), Linear())
    stored = weights(torch.zeros(shape, dtype=torch.int32), op=op, bits=bits, most=None)
    assert stored.digits is not None
    # an image's largest value, twice as much for differences, and twice again where its grid may change
    assert 4 * 2**stored.digits * top * sums <= 2**53
    assert stored.digits in {36, 32} or 8 * 2**stored.digits * top * sums > 2**53


@given(st.integers(0, 999), st.sampled_from([torch.float32, torch.float64]), st.sampled_from([300, 2**25]))
def test_whole_numbers_are_read_as_they_are(seed: int, dtype: torch.dtype, most: int) -> None:
    stored = weights(drawn(seed, 2, 3), most=float(most))
    value = drawn(seed, 2, 5, 3, low=-300, high=300).to(dtype)
    assert stored.read(value).values.tolist() == value.tolist()
    assert stored.read(value).values.dtype == (torch.float32 if most == 300 else torch.float64)


def test_the_largest_of_nothing() -> None:
    stored = weights(drawn(0, 2, 3), most=2.0**30)
    assert stored.largest(Read(torch.empty(1, 0, 3))) == 0.0
    assert stored.largest(Read(torch.tensor([[[-7.0, 2.0, 0.0]]]))) == 7.0


def test_sums_that_nothing_holds_are_refused() -> None:
    with pytest.raises(NotExact, match=r"layer 'fc' sums 67108864 products of 16-bit weights, .*: fewer --bits"):
        weights(torch.zeros(1, 1, dtype=torch.int8).expand(1, 2**26), bits=16, most=None)


def test_all_three_ways_are_taken() -> None:
    stored = weights(torch.full((1, 4), 100), most=2.0**41)
    kinds = []
    plain = Weights._product

    def watched(self: Weights, read: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        kinds.append(read.dtype)
        return plain(self, read, weight)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Weights, "_product", watched)
        for largest in (1, 2**20, 2**40):
            stored.product(Read(torch.full((1, 1, 4), float(largest), dtype=torch.float64)))
    assert kinds == [torch.float32, torch.float32, torch.float32, torch.float64]


def test_a_convolution_in_halves() -> None:
    op = Conv(stride=(1, 1), padding=(1, 1), dilation=(1, 1))
    weight = drawn(0, 5, 3, 3, 3)
    read = drawn(1, 2, 2, 3, 6, 6, low=-(2**20), high=2**20).double()
    stored = weights(weight, op=op, most=2.0**21)
    read = Read(read)
    assert not stored.fits(stored.largest(read))
    expected = torch.nn.functional.conv2d(read.values.flatten(0, 1), weight.double(), padding=1).unflatten(0, (2, 2))
    assert torch.equal(stored.product(read).double(), expected)


def test_the_reach_is_that_of_the_worst_output() -> None:
    assert Linear().reach(torch.tensor([[1.0, -2.0], [3.0, 4.0]])) == 7
    assert Conv(stride=(1,), padding=(0,), dilation=(1,), transposed=True).reach(torch.ones(2, 3, 4)) == 24


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
    whole = stored.product(Read(value))
    assert stored.by_channel == (op in (Linear(), CONV))
    if stored.by_channel:
        rows, columns = torch.tensor([0, 2]), torch.tensor([1, 4])
        assert torch.equal(stored.product(Read(value), stored.integers[rows]), whole[:, :, rows])
        assert torch.equal(
            stored.product(Read(value[:, :, columns]), stored.integers[:, columns])
            + stored.product(Read(value.index_fill(2, columns, 0))),
            whole,
        )


@pytest.mark.parametrize(("op", "shape"), OPS)
def test_a_product_is_the_same_in_any_batch(op: Linear | Conv, shape: tuple[int, ...]) -> None:
    stored = weights(drawn(1, *shape), op=op, most=None)
    channels = shape[1] if isinstance(op, Linear) else shape[0] if op.transposed else shape[1] * op.groups
    value = torch.randn(2, 7, channels, *(6,) * (len(shape) - 2), generator=torch.Generator().manual_seed(3))
    value[:, 4] *= 1e5
    value[:, 2, 0] *= 1e9  # one image is read in parts, whoever else is there
    value[:, 5] = 0
    value = laid_out(value)
    whole = stored.product(stored.read(value))
    assert whole.dtype == torch.float64
    for size in (1, 2, 5):
        parts = [stored.product(stored.read(laid_out(value[:, start : start + size]))) for start in range(0, 7, size)]
        assert torch.equal(torch.cat(parts, 1), whole)
    # and it is the product of the values
    expected = op([value.double().flatten(0, 1)], stored.integers.double()).unflatten(0, (2, 7))
    most = op([value.double().abs().flatten(0, 1)], stored.integers.double().abs()).unflatten(0, (2, 7))
    assert bool(((whole - expected).abs() <= 2.0**-29 * most).all())


@given(st.integers(0, 999), st.floats(1, 1e12), st.sampled_from(["linear", "conv", "depthwise"]))
def test_products_of_real_values_against_fractions(seed: int, out: float, kind: str) -> None:
    """Far-out values beside others: the sum is that of the values themselves, to float64's rounding of its parts."""
    generator = torch.Generator().manual_seed(seed)
    value = torch.randn(1, 3, 4, generator=generator)
    value[0, 1, 2] = out
    integers = drawn(seed, 4, 4)
    if kind == "linear":
        stored, given = weights(integers, most=None), laid_out(value)
    else:
        op = Conv(stride=(1,), padding=(0,), dilation=(1,), groups=4 if kind == "depthwise" else 1)
        integers = integers[:, :1] if kind == "depthwise" else integers
        stored, given = weights(integers.unsqueeze(-1), op=op, most=None), value.unsqueeze(-1)
    found = stored.product(stored.read(given)).reshape(3, 4)
    for image in range(3):
        for row in range(4):
            meets = [row] if kind == "depthwise" else range(4)
            terms = [
                Fraction(float(value[0, image, i])) * int(integers[row, 0 if kind == "depthwise" else i]) for i in meets
            ]
            error = abs(Fraction(float(found[image, row])) - sum(terms))
            # relative to every value that is met, not to the one far out
            assert error <= max(map(abs, terms), default=0) * Fraction(1, 2**50) + sum(map(abs, terms)) / 2**20


@given(st.integers(0, 99))
def test_what_a_product_grows_by(seed: int) -> None:
    stored = weights(drawn(seed, 5, 6), most=None)
    old = laid_out(torch.randn(1, 9, 6, generator=torch.Generator().manual_seed(seed)))
    new = old.clone()
    channels = torch.tensor([1, 4])
    new[:, :, channels] = torch.randn(1, 9, 2, generator=torch.Generator().manual_seed(seed + 1)) * 3
    new[:, 3, 1] = 1e7
    new[:, 5, 1] = torch.inf
    before, after = stored.read(old), stored.read(laid_out(new))
    grown, sure = stored.grown(after.channels(channels), before.channels(channels), stored.integers[:, channels])
    assert not sure[3] and not sure[5] and int(sure.sum()) >= 6
    rows = sure.nonzero().flatten()
    assert torch.equal((stored.product(before) + grown)[:, rows], stored.product(after)[:, rows])
    assert bool(stored.product(after)[:, 5].isnan().all())


@pytest.mark.parametrize("most", [0.0, 1.0, 1e20])
def test_a_mean_is_that_of_the_values(most: float) -> None:
    value = torch.rand(1, 2, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * min(most, 1.0)
    value[0, 0, 0, 0, 0] = most
    op = AdaptiveAveragePool(size=(1, 1))
    found = averaged(op, value, lambda x: x.mean((3, 4)))
    for index in range(6):
        image, channel = divmod(index, 3)
        exact = sum(Fraction(float(x)) for x in value[0, image, channel].flatten()) / 16
        assert abs(Fraction(float(found[0, image, channel])) - exact) <= exact / 2**50
    alone = averaged(op, value[:, 1:], lambda x: x.mean((3, 4)))
    assert torch.equal(alone, found[:, 1:])


def test_a_matrix_product_over_the_last_axis_of_more() -> None:
    stored = weights(drawn(1, 3, 4), most=9.0)
    value = drawn(2, 2, 5, 6, 4, low=0, high=9).float()
    found = stored.product(Read(value))
    assert found.shape == (2, 5, 6, 3)
    assert torch.equal(found.double(), torch.einsum("tnsi,oi->tnso", value.double(), stored.integers.double()))
