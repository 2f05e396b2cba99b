"""Packed kernels against sums of Python integers, one weight and one spike at a time."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spikewright.engines.packed import sums as kernels
from spikewright.snn.formats.packing import pack as store

f = np.float32


def words_of(flags: np.ndarray) -> list[int]:
    """[C] of 0/1 → its words as Python integers, bit by bit."""
    words = [0] * -(-len(flags) // 64)
    for channel, flag in enumerate(flags):
        words[channel // 64] |= int(flag) << (channel % 64)
    return words


def packed_counts(counts: np.ndarray, planes: int) -> np.ndarray:
    """Counts [N, C, H, W] → uint64 [planes, N, H, W, words]."""
    samples, channels, high, wide = counts.shape
    words = np.full((planes, samples, high, wide, kernels.words_of(channels)), 2**64 - 1, np.uint64)
    kernels.pack(counts.reshape(samples, channels, -1), words.reshape(planes, samples, high * wide, -1), f(1))
    return words


def packed_signs(signs: np.ndarray) -> np.ndarray:
    """Signs [O, C, kh, kw] → uint64 [O, K]."""
    outputs, channels, *kernel = signs.shape
    places = int(np.prod(kernel))
    words = np.full((outputs, places * kernels.words_of(channels)), 2**64 - 1, np.uint64)
    kernels.arrange(store(torch.from_numpy(signs), 1).numpy(), channels, places, words)
    return words


@given(
    seed=st.integers(0, 2**32 - 1),
    channels=st.sampled_from([1, 3, 63, 64, 65, 130]),
    places=st.sampled_from([1, 2, 5, 520]),
    planes=st.integers(1, 4),
    dtype=st.sampled_from([np.float32, np.uint8, np.int32]),
)
@settings(max_examples=40)
def test_words_hold_the_binary_digits_of_counts(
    seed: int, channels: int, places: int, planes: int, dtype: type
) -> None:
    counts = np.random.default_rng(seed).integers(0, 2**planes, (2, channels, places)).astype(dtype)
    words = np.full((planes, 2, places, kernels.words_of(channels)), 2**64 - 1, np.uint64)
    kernels.pack(counts, words, f(1))
    for plane in range(planes):
        for n, s in ((0, 0), (1, places - 1), (0, places // 2)):
            digits = (counts[n, :, s].astype(int) >> plane) & 1
            assert [int(word) for word in words[plane, n, s]] == words_of(digits)
    rows = np.full((planes, 2, words.shape[3]), 2**64 - 1, np.uint64)
    kernels.pack_rows(np.ascontiguousarray(counts[:, :, 0]), rows, f(1))
    assert np.array_equal(rows, words[:, :, 0])
    back = np.full(counts.shape, -1, f)
    kernels.unpack(words, back, f(0.5))
    assert np.array_equal(back, counts.astype(f) / 2)


def test_quarters_are_packed_as_counts() -> None:
    quarters = np.random.default_rng(0).integers(0, 5, (3, 70, 4)).astype(f) / 4
    words = np.empty((3, 3, 4, 2), np.uint64)
    kernels.pack(quarters, words, f(4))
    back = np.empty_like(quarters)
    kernels.unpack(words, back, f(0.25))
    assert np.array_equal(back, quarters)


def test_a_stored_weight_becomes_words_in_the_order_row_column_channels() -> None:
    signs = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), (3, 70, 2, 3))
    words = packed_signs(signs).reshape(3, 2, 3, 2)
    for o, y, x in np.ndindex(3, 2, 3):
        assert [int(word) for word in words[o, y, x]] == words_of(signs[o, :, y, x] == 1)


@given(
    seed=st.integers(0, 2**32 - 1),
    samples=st.integers(1, 19),
    inputs=st.sampled_from([1, 5, 64, 100, 192, 700]),
    outputs=st.integers(1, 7),
    planes=st.integers(1, 3),
)
@settings(max_examples=40)
def test_a_matrix_product_like_python_integers(seed: int, samples: int, inputs: int, outputs: int, planes: int) -> None:
    random = np.random.default_rng(seed)
    signs = random.choice(np.array([-1, 1], np.int8), (outputs, inputs))
    counts = random.integers(0, 2**planes, (samples, inputs)).astype(np.uint8)
    rows = np.empty((planes, samples, kernels.words_of(inputs)), np.uint64)
    kernels.pack_rows(counts, rows, f(1))
    found = kernels.linear(packed_signs(signs[:, :, None, None]), rows)
    expected = [[sum(int(w) * int(s) for w, s in zip(row, sample, strict=True)) for row in signs] for sample in counts]
    assert found.dtype == np.int32
    assert found.tolist() == expected


def slow(counts: np.ndarray, signs: np.ndarray, stride: int, padding: int, dilation: int, groups: int) -> np.ndarray:
    """A convolution, place by place, in Python integers."""
    samples, _, high, wide = counts.shape
    outputs, per_group, kernel_y, kernel_x = signs.shape
    made_y = (high + 2 * padding - dilation * (kernel_y - 1) - 1) // stride + 1
    made_x = (wide + 2 * padding - dilation * (kernel_x - 1) - 1) // stride + 1
    result = np.zeros((samples, made_y, made_x, outputs), int)
    for n, y, x, o in np.ndindex(*result.shape):
        group = o // (outputs // groups)
        for ky, kx in np.ndindex(kernel_y, kernel_x):
            iy, ix = y * stride - padding + ky * dilation, x * stride - padding + kx * dilation
            if 0 <= iy < high and 0 <= ix < wide:
                seen = counts[n, group * per_group : (group + 1) * per_group, iy, ix].tolist()
                result[n, y, x, o] += sum(w * s for w, s in zip(signs[o, :, ky, kx].tolist(), seen, strict=True))
    return result


@given(
    seed=st.integers(0, 2**32 - 1),
    samples=st.integers(1, 2),
    channels=st.sampled_from([(1, 1), (3, 1), (64, 1), (100, 1), (128, 2), (192, 3)]),
    per_group=st.integers(1, 3),
    size=st.tuples(st.integers(3, 6), st.integers(3, 6)),
    kernel=st.sampled_from([(1, 1), (3, 3), (2, 3)]),
    stride=st.integers(1, 2),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
    planes=st.integers(1, 2),
)
@settings(max_examples=40, deadline=None)
def test_a_convolution_like_python_integers(
    seed: int,
    samples: int,
    channels: tuple[int, int],
    per_group: int,
    size: tuple[int, int],
    kernel: tuple[int, int],
    stride: int,
    padding: int,
    dilation: int,
    planes: int,
) -> None:
    inputs, groups = channels
    if dilation * (max(kernel) - 1) + 1 > min(size) + 2 * padding:
        return
    random = np.random.default_rng(seed)
    signs = random.choice(np.array([-1, 1], np.int8), (per_group * groups, inputs // groups, *kernel))
    counts = random.integers(0, 2**planes, (samples, inputs, *size)).astype(np.uint8)
    expected = slow(counts, signs, stride, padding, dilation, groups)
    _, high, wide, _ = expected.shape
    window = kernels.Window(high, wide, *kernel, *(stride,) * 2, *(padding,) * 2, *(dilation,) * 2)
    found = kernels.conv2d(packed_signs(signs), packed_counts(counts, planes), window, groups)
    assert found.dtype == np.int32
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("cut", [1, 3, 17, 40])
def test_any_range_of_positions_is_the_same_as_the_whole(cut: int) -> None:
    """So that tiles, and threads, do not matter; 49 positions, in and across images."""
    random = np.random.default_rng(cut)
    signs = random.choice(np.array([-1, 1], np.int8), (5, 70, 3, 3))
    planes = packed_counts(random.integers(0, 4, (2, 70, 7, 7)).astype(np.uint8), 2)
    window = kernels.Window(7, 7, 3, 3, 1, 1, 1, 1, 1, 1)
    weights = packed_signs(signs)
    whole = kernels.conv2d(weights, planes, window).reshape(98, 5)
    for first in range(0, 98, cut):
        last = min(first + cut, 98)
        sums = np.full((cut, 5), 7, np.int32)
        kernels.sums_of(weights, planes, window, 1, first, last, kernels.Workspace.of(weights, cut), sums)
        assert np.array_equal(sums[: last - first], whole[first:last])
        assert (sums[last - first :] == 7).all()
