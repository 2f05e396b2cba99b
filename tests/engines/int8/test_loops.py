"""Compiled firing and window sums against Python integers and fractions."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spikewright.engines.int8.loops import fire, largest_of_windows, sum_windows


@settings(max_examples=60, deadline=None)
@given(data=st.data(), terms=st.integers(1, 2), period=st.sampled_from([1, 3]), unit=st.integers(1, 10**6))
def test_firing_is_the_floor_of_a_fraction(data: st.DataObject, terms: int, period: int, unit: int) -> None:
    rows, columns, levels = 6, 4, data.draw(st.sampled_from([1, 15, 255]))
    whole = st.integers(-(2**20), 2**20)
    sums = [
        np.array(data.draw(st.lists(whole, min_size=rows * columns, max_size=rows * columns))).reshape(rows, columns)
        for _ in range(terms)
    ]
    factors = [np.array(data.draw(st.lists(st.integers(-9, 9), min_size=period, max_size=period))) for _ in sums]
    constant = data.draw(whole)
    out = np.empty((rows, columns), np.uint8)
    ready = [np.repeat(f[:, None], columns, 1) / unit for f in factors]
    offset = np.full((period, columns), (constant + 0.5) / unit)
    fire(out, [x.astype(np.float32) for x in sums], ready, offset, levels)
    for r in range(rows):
        for c in range(columns):
            total = sum(int(f[r % period]) * int(x[r, c]) for f, x in zip(factors, sums, strict=True)) + constant
            assert out[r, c] == min(max(Fraction(total, unit).__floor__(), 0), levels)


def test_a_tie_fires() -> None:
    x = np.array([[99, 100, 101, 199, 200]], np.float32)
    out = np.empty((1, 5), np.uint8)
    fire(out, [x], [np.full((1, 5), 1 / 100)], np.full((1, 5), 0.5 / 100), 15)
    assert out.tolist() == [[0, 1, 1, 1, 2]]


def test_any_number_of_threads_gives_the_same() -> None:
    generator = np.random.default_rng(0)
    x = generator.integers(-1000, 1000, (4096, 32)).astype(np.float32)
    found, threads = [], torch.get_num_threads()
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            out = np.zeros((4096, 32), np.uint8)
            fire(out, [x], [np.full((1, 32), 0.01)], np.full((1, 32), 0.5), 7)
            found.append(out)
    finally:
        torch.set_num_threads(threads)
    assert np.array_equal(*found)
    assert np.array_equal(found[0], np.clip(np.floor(x.astype(np.float64) * 0.01 + 0.5), 0, 7))


def test_more_terms_than_two_are_refused() -> None:
    one = np.zeros((1, 1))
    with pytest.raises(ValueError, match="one or two terms, not 3"):
        fire(np.zeros((1, 1), np.uint8), [one] * 3, [one] * 3, one, 1)


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padded=st.booleans(),
    seed=st.integers(0, 100),
)
def test_window_sums(
    size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int], padded: bool, seed: int
) -> None:
    padding = (kernel[0] // 2, kernel[1] // 2) if padded else (0, 0)
    places = [(n + 2 * p - k) // s + 1 for n, p, k, s in zip(size, padding, kernel, stride, strict=True)]
    if min(places) < 1:
        return
    x = np.random.default_rng(seed).integers(0, 28, (2, *size, 3)).astype(np.uint8)
    wide = np.pad(x.astype(int), ((0, 0), (padding[0],) * 2, (padding[1],) * 2, (0, 0)))
    for dtype in (np.uint8, np.float32):
        out = np.empty((2, *places, 3), dtype)
        sum_windows(out, x, kernel, stride, padding)
        for i in range(places[0]):
            for j in range(places[1]):
                top, left = i * stride[0], j * stride[1]
                window = wide[:, top : top + kernel[0], left : left + kernel[1]]
                assert np.array_equal(out[:, i, j].astype(int), window.sum((1, 2)))


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation"),
    [((2, 2), (2, 2), (0, 0), (1, 1)), ((3, 2), (1, 2), (1, 1), (1, 1)), ((2, 3), (2, 1), (0, 1), (2, 2))],
)
def test_largest_of_windows(kernel: tuple, stride: tuple, padding: tuple, dilation: tuple, ceil_mode: bool) -> None:
    x = torch.randint(0, 256, (2, 3, 17, 14), dtype=torch.uint8)
    expected = torch.nn.functional.max_pool2d(x.double(), kernel, stride, padding, dilation, ceil_mode)
    for dtype in (np.uint8, np.float32):
        out = np.empty((2, *expected.shape[2:], 3), dtype)
        largest_of_windows(out, x.permute(0, 2, 3, 1).numpy().astype(dtype), kernel, stride, padding, dilation)
        assert np.array_equal(out.transpose(0, 3, 1, 2).astype(float), expected.numpy())
