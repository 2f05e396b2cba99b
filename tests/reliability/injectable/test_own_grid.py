"""Grids of each image's own: by that image alone, fine enough, and in parts where not."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spikewright.reliability.injectable.layout import laid_out
from spikewright.reliability.injectable.own_grid import SURE_BITS, Read, on_own_grid, parts

SHAPES = [(1, 5, 7), (2, 5, 7), (1, 5, 3, 8), (1, 5, 3, 4, 4), (1, 5)]


def drawn(seed: int, shape: tuple[int, ...]) -> Tensor:
    """Images of different heights, and two with a value that lies far out."""
    value = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    value = value * torch.tensor([1.0, 1e-6, 1e30, 3.0, 1.0]).reshape(1, 5, *(1,) * (len(shape) - 2))
    if len(shape) > 2:
        value[:, 3].flatten()[0] = 1.0
        value[0, 3].view(-1)[1] = -9999.0 * 1e4
    return laid_out(value)


@pytest.mark.parametrize("shape", SHAPES)
@given(seed=st.integers(0, 999), digits=st.integers(22, 50))
def test_values_are_the_nearest_on_the_grid(shape: tuple[int, ...], seed: int, digits: int) -> None:
    value = drawn(seed, shape)
    read = on_own_grid(value, digits, each=len(shape) == 3)
    assert read.tops is not None
    for image in range(5):
        x, y = value[:, image].flatten().tolist(), read.values[:, image].flatten().tolist()
        top, step = Fraction(2) ** int(read.tops[image]), Fraction(2) ** (int(read.tops[image]) - digits)
        assert top / 2 <= max(map(abs, x)) < top
        if read.wide is not None and read.wide[image]:
            assert x == y
            continue
        assert y == [float(round(Fraction(v) / step) * step) for v in x]
        if len(shape) == 3:  # what is not large enough to be known well is not rounded at all
            assert all(v == w or abs(v - w) <= abs(v) * 2.0 ** -(SURE_BITS + 1) for v, w in zip(x, y, strict=True))


@pytest.mark.parametrize("shape", SHAPES)
@given(seed=st.integers(0, 999))
def test_an_image_is_read_by_itself_alone(shape: tuple[int, ...], seed: int) -> None:
    value = drawn(seed, shape)
    whole = on_own_grid(value, 30, each=len(shape) == 3)
    for image in range(5):
        alone = on_own_grid(laid_out(value[:, image : image + 1]), 30, each=len(shape) == 3)
        one = whole.of(torch.tensor([image]))
        assert torch.equal(alone.values, one.values) and (alone.wide is None) == (one.wide is None)
        assert alone.tops is not None and one.tops is not None and torch.equal(alone.tops, one.tops)


def test_a_value_far_out_makes_an_image_wide() -> None:
    for shape in SHAPES[:4]:
        read = on_own_grid(drawn(0, shape), 32, each=len(shape) == 3)
        assert read.wide is not None and read.wide.tolist() == [False, False, False, True, False], shape


@given(st.integers(0, 99), st.sampled_from(SHAPES), st.integers(12, 40))
def test_parts_add_up(seed: int, shape: tuple[int, ...], digits: int) -> None:
    value = drawn(seed, shape)
    found = list(parts(value, digits))
    for index in range(value.numel()):
        pieces = [part.values.reshape(-1)[index] for part in found]
        assert sum(Fraction(float(piece)) for piece in pieces) == Fraction(float(value.reshape(-1)[index]))
    for part in found:
        assert part.tops is not None
        scaled = part.values * 2.0 ** (digits - part.tops).double().reshape(1, 5, *(1,) * (len(shape) - 2))
        assert torch.equal(scaled, scaled.round()) and float(scaled.abs().max()) <= 2.0**digits


def test_an_image_that_is_not_finite_is_not_a_number_and_harms_no_other() -> None:
    value = drawn(1, (1, 5, 7))
    value[0, 2, 3], value[0, 0, 1] = torch.inf, torch.nan
    read = on_own_grid(value, 30, each=True)
    assert read.values[0, 2].isnan().all() and read.values[0, 0].isnan().all()
    assert read.wide is not None and read.wide.tolist() == [True, False, True, True, False]
    assert read.values[0, [1, 3, 4]].isfinite().all()
    assert len(list(parts(read.values, 30))) <= 3


def test_some_images_and_channels() -> None:
    read = Read(
        laid_out(torch.arange(12.0).reshape(1, 3, 4)), torch.tensor([1, 2, 3]), torch.tensor([True, False, False])
    )
    some = read.of(torch.tensor([2, 1]))
    assert some.values.tolist() == [[[8, 9, 10, 11], [4, 5, 6, 7]]] and some.wide is None
    assert some.tops is not None and some.tops.tolist() == [3, 2]
    assert read.of(None) is read
    assert read.channels(torch.tensor([3])).values.tolist() == [[[3], [7], [11]]]
