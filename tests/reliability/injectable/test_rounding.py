"""The loops against Python's own numbers: each value alone, whatever lies beside it."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewright.reliability.injectable.rounding import (
    affine,
    join,
    largest_of_columns,
    round_columns,
    round_maps,
    split,
)


def drawn(seed: int, *shape: int, dtype: type = np.float32) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return (generator.standard_normal(shape) * 2.0 ** generator.integers(-30, 3, shape)).astype(dtype)


def rounded(value: float, step: Fraction) -> float:
    return float(round(Fraction(float(value)) / step) * step)


@given(st.integers(0, 999), st.sampled_from([np.float32, np.float64]))
def test_the_largest_of_columns(seed: int, dtype: type) -> None:
    value = drawn(seed, 5, 4, dtype=dtype)
    value[3, 1] = np.nan
    most = np.zeros(4, dtype)
    largest_of_columns(most, value)
    assert most[[0, 2, 3]].tolist() == np.abs(value).max(0)[[0, 2, 3]].tolist()
    assert np.isnan(most[1])


@given(st.integers(0, 999), st.integers(4, 40))
def test_columns_are_rounded_half_to_even_and_lost_numbers_are_marked(seed: int, digits: int) -> None:
    value, steps = drawn(seed, 6, 5) + np.float32(0), [Fraction(1, 2 ** (digits - n)) for n in range(5)]
    value[0] = [1.5 * float(step) for step in steps]  # a tie
    anchor = np.array([1.5 * 2.0**52 * float(step) for step in steps])
    low = np.array([2.0**8 * float(step) for step in steps])
    out, lost = np.empty_like(value), np.zeros(5)
    round_columns(out, value, anchor, low, lost)
    for n, step in enumerate(steps):
        expected = [rounded(x, step) for x in value[:, n]]
        assert out[:, n].tolist() == expected
        small = [y != x and abs(x) < low[n] for x, y in zip(value[:, n].tolist(), expected, strict=True)]
        assert lost[n] == any(small)


@given(st.integers(0, 999), st.sampled_from([1, 2, 8]))
def test_maps_may_lose_a_share_of_each_channel(seed: int, spared: int) -> None:
    value = drawn(seed, 2, 3, 2, 9) * (np.random.default_rng(seed).random((2, 3, 2, 9)) < 0.7)
    value, step = value.astype(np.float32), Fraction(1, 2**14)
    out, lost = np.empty_like(value), np.zeros(3)
    round_maps(out, value, np.full(3, 1.5 * 2.0**38), np.full(3, 2.0**-8), spared, lost)
    for n in range(3):
        over = False
        for row, found in zip(value[:, n].reshape(-1, 9), out[:, n].reshape(-1, 9), strict=True):
            expected = [rounded(x, step) for x in row]
            assert found.tolist() == expected
            small = sum(y != float(x) and abs(x) < 2.0**-8 for x, y in zip(row, expected, strict=True))
            over |= small * spared > np.count_nonzero(row)
        assert lost[n] == over


@given(st.integers(0, 999), st.integers(2, 12), st.integers(1, 4))
def test_planes_are_small_whole_numbers_and_add_up(seed: int, room: int, count: int) -> None:
    digits = room + (count - 1) * (room + 1)
    tops = np.array([0, 5, -40])
    whole = np.random.default_rng(seed).integers(-(2**digits), 2**digits + 1, (2, 3, 7))
    value = whole * 2.0 ** (tops - digits)[None, :, None]
    planes = np.empty((count, 2, 3, 7), np.float32)
    split(planes, value, np.ldexp(1.0, room - tops), 2.0 ** (room + 1))
    assert np.abs(planes).max() <= 2**room
    assert np.array_equal(planes, planes.round())
    units = np.array([[2.0 ** (int(top) - room - p * (room + 1)) for top in tops] for p in range(count)])
    out = np.empty((2, 3, 7))
    join(out, planes, units)
    assert np.array_equal(out, value)


def test_scaled_and_rounded_once() -> None:
    made, gain, shift = np.array([[3.0, -1.0], [2.0**40, 1.0]]), np.array([1 / 3, 1e-9]), np.array([0.1, -7.0])
    out = np.empty((2, 2), np.float32)
    affine(out, made, gain, shift)
    assert out.tolist() == [
        [float(np.float32(x * a + b)) for x in row.tolist()] for row, a, b in zip(made, gain, shift, strict=True)
    ]


@pytest.mark.parametrize("width", [1, 7, 64, 1000])
def test_a_number_comes_out_the_same_wherever_it_lies(width: int) -> None:
    column = drawn(1, 1, 1000)
    anchor, low = np.full(1000, 1.5 * 2.0**40), np.full(1000, 2.0**-8)
    whole, part = np.empty_like(column), np.empty((1, width), np.float32)
    round_columns(whole, column, anchor, low, np.zeros(1000))
    for start in range(0, 1000 - width + 1, width):
        inside = slice(start, start + width)
        round_columns(part, np.ascontiguousarray(column[:, inside]), anchor[inside], low[inside], np.zeros(width))
        assert np.array_equal(part, whole[:, inside])
