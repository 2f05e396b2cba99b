"""Sums of ±1 weights over spikes, from packed 64-bit words: Σ w·s = 2·popcount(w ∧ s) − popcount(s).

Bit b of word j of a row is channel 64·j + b; the bits after the last channel are 0. Weights: set means +1, clear −1.
Spikes: rows of words by position, so [N, H, W, words]; those of a vector have H = W = 1. A weight's words come in the
order (row, column, word of channels) of its kernel. Outside the image nothing spikes, which is what zero padding means.

Counts above 1 come in planes, words of their binary digits: the sum is that of the planes, each at its worth.
Groups of channels may be told apart where each has a multiple of 64: then they are whole words.

Compiled for the machine at hand: with AVX-512's population count eight words a time, else in plain integer
instructions; the sums are the same. Everything takes a range of output positions, so that several threads can share
them, and releases the interpreter.

Source: XNOR-Net (Rastegari et al. 2016) for ±1 inputs; with 0/1 spikes and is in the place of xnor.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

WORD = 64
BYTES_AT_ONCE = 8

_ODD, _PAIRS, _NIBBLES, _BYTES = (
    np.uint64(0x5555555555555555),
    np.uint64(0x3333333333333333),
    np.uint64(0x0F0F0F0F0F0F0F0F),
    np.uint64(0x0101010101010101),
)
_ZERO, _ONE, _TWO, _FOUR, _HIGH = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)
_GATHER = np.uint64(0x0102040810204080)  # moves the lowest bit of each of 8 bytes into the highest byte
_COLUMN = 512  # positions whose words are filled together
_TOGETHER = 16  # positions that meet a weight while it is in the first cache


class Window(NamedTuple):
    """Geometry of a convolution over [H, W] → [height, width]; a matrix product has all 1, and no padding."""

    height: int  # of the output
    width: int
    kernel_y: int
    kernel_x: int
    stride_y: int
    stride_x: int
    padding_y: int
    padding_x: int
    dilation_y: int
    dilation_x: int


def words_of(channels: int) -> int:
    """How many words so many channels take."""
    return -(-channels // WORD)


@njit(inline="always")
def _count(x):
    # the compiler knows this idiom, and takes the machine's own instruction for it
    x = x - ((x >> _ONE) & _ODD)
    x = (x & _PAIRS) + ((x >> _TWO) & _PAIRS)
    x = (x + (x >> _FOUR)) & _NIBBLES
    return (x * _BYTES) >> _HIGH


@njit(cache=True, nogil=True, error_model="numpy")
def gather_bytes(flags, words):
    """Flags 0/1, uint8 [64·words], → words, uint64 [words], written."""
    eights = flags.view(np.uint64)
    for j in range(len(words)):
        word = _ZERO
        for i in range(BYTES_AT_ONCE):
            word |= ((eights[j * BYTES_AT_ONCE + i] * _GATHER) >> _HIGH) << np.uint64(8 * i)
        words[j] = word


@njit(cache=True, nogil=True, error_model="numpy")
def pack_rows(values, words, scale):
    """Counts in vectors → the words of their planes.

    Args:
        values: [N, C], any real type; values · scale are integers in 0 … 2^planes − 1.
        words: uint64 [planes, N, ⌈C/64⌉], written.
        scale: what makes them integers.
    """
    channels = values.shape[1]
    flags = np.zeros((channels + WORD - 1) // WORD * WORD, np.uint8)
    for plane in range(len(words)):
        for n in range(len(values)):
            row = values[n]
            for c in range(channels):
                flags[c] = (np.int32(row[c] * scale) >> plane) & 1
            gather_bytes(flags, words[plane, n])


@njit(cache=True, nogil=True, error_model="numpy")
def pack(values, words, scale):
    """Counts in images → the words of their planes.

    Args:
        values: [N, C, S], any real type; values · scale are integers in 0 … 2^planes − 1.
        words: uint64 [planes, N, S, ⌈C/64⌉], written.
        scale: what makes them integers.
    """
    samples, channels, places = values.shape
    columns = np.empty(min(places, _COLUMN), np.uint64)
    for plane in range(len(words)):
        for n in range(samples):
            for j in range(words.shape[3]):
                for low in range(0, places, _COLUMN):
                    column = columns[: min(_COLUMN, places - low)]
                    column[:] = _ZERO
                    for c in range(j * WORD, min(j * WORD + WORD, channels)):
                        _add_bit(column, values[n, c, low : low + len(column)], scale, plane, np.uint64(c % WORD))
                    for s in range(len(column)):
                        words[plane, n, low + s, j] = column[s]


@njit(cache=True, nogil=True, error_model="numpy")
def _add_bit(column, row, scale, plane, bit):
    for s in range(len(column)):
        column[s] |= np.uint64((np.int32(row[s] * scale) >> plane) & 1) << bit


@njit(cache=True, nogil=True, error_model="numpy")
def unpack(words, values, worth):
    """The words of planes, uint64 [planes, N, S, words] → counts · worth, float32 [N, C, S], written."""
    planes = len(words)
    samples, channels, places = values.shape
    for n in range(samples):
        for c in range(channels):
            row, j, bit = values[n, c], c // WORD, np.uint64(c % WORD)
            for s in range(places):
                row[s] = np.float32((words[0, n, s, j] >> bit) & _ONE)
            for plane in range(1, planes):
                more = np.float32(1 << plane)
                for s in range(places):
                    row[s] += more * np.float32((words[plane, n, s, j] >> bit) & _ONE)
            for s in range(places):
                row[s] *= worth


@njit(cache=True, nogil=True, error_model="numpy")
def arrange(octets, channels, places, words):
    """The bits of a weight as they are stored → the words that are run.

    Args:
        octets: uint8, the weight's bits in the order [O, C, places] (`snn/formats/packing.py`).
        channels: C, those of one group.
        places: how many elements the kernel has, row by row.
        words: uint64 [O, places · ⌈C/64⌉], written.
    """
    per_place = (channels + WORD - 1) // WORD
    for o in range(len(words)):
        row = words[o]
        row[:] = _ZERO
        for c in range(channels):
            bit = np.uint64(c % WORD)
            for place in range(places):
                n = (o * channels + c) * places + place
                row[place * per_place + c // WORD] |= np.uint64((octets[n // 8] >> (n % 8)) & 1) << bit


@njit(cache=True, nogil=True, error_model="numpy")
def patches(words, window, group, first, last, found, ones):
    """Collect what each output position sees.

    Args:
        words: spikes, uint64 [N, H, W, words].
        window: geometry.
        group: which group of channels.
        first: the first output position to collect, of N · height · width.
        last: the position to stop before.
        found: uint64 [≥ last − first, kernel places · words of the group], written.
        ones: int32 [≥ last − first], written: how many spikes each position sees.
    """
    _, high, wide, _ = words.shape
    per_place = found.shape[1] // (window.kernel_y * window.kernel_x)
    low = group * per_place
    for p in range(first, last):
        row = found[p - first]
        x = p % window.width
        y = p // window.width % window.height
        image = words[p // (window.width * window.height)]
        at = 0
        for ky in range(window.kernel_y):
            iy = y * window.stride_y - window.padding_y + ky * window.dilation_y
            for kx in range(window.kernel_x):
                ix = x * window.stride_x - window.padding_x + kx * window.dilation_x
                if iy >= 0 and iy < high and ix >= 0 and ix < wide:
                    place = image[iy, ix]
                    for j in range(per_place):
                        row[at + j] = place[low + j]
                else:
                    for j in range(per_place):
                        row[at + j] = _ZERO
                at += per_place
        seen = _ZERO
        for k in range(len(row)):
            seen += _count(row[k])
        ones[p - first] = seen


@njit(cache=True, nogil=True, error_model="numpy")
def dots(weights, found, ones, sums, count, channels, plane):
    """Add each position's sums for one plane.

    Args:
        weights: uint64 [O, K].
        found: uint64 [≥ count, K], and `ones`, int32 [≥ count], as `patches` writes them.
        ones: see there.
        sums: int32 [≥ count, O]; plane 0 sets them, the others add to them.
        count: how many positions.
        channels: the output channels (first, last) to work out: those of the group.
        plane: which binary digit of the counts this is.
    """
    start, stop = channels
    pairs = start + (stop - start) // 2 * 2
    for low in range(0, count, _TOGETHER):
        high = min(low + _TOGETHER, count)
        fours = low + (high - low) // 4 * 4
        for o in range(start, pairs, 2):
            for p in range(low, fours, 4):
                s, t, u, v = found[p], found[p + 1], found[p + 2], found[p + 3]
                a, b, c, d, e, f, g, h = _dot8(weights[o], weights[o + 1], s, t, u, v)
                _put(sums[p], o, a, e, ones[p], plane)
                _put(sums[p + 1], o, b, f, ones[p + 1], plane)
                _put(sums[p + 2], o, c, g, ones[p + 2], plane)
                _put(sums[p + 3], o, d, h, ones[p + 3], plane)
            for p in range(fours, high):
                _put(sums[p], o, _dot(weights[o], found[p]), _dot(weights[o + 1], found[p]), ones[p], plane)
        for o in range(pairs, stop):
            for p in range(low, high):
                _put_one(sums[p], o, _dot(weights[o], found[p]), ones[p], plane)


@njit(inline="always")
def _dot(weight, s):
    total = _ZERO
    for k in range(len(weight)):
        total += _count(weight[k] & s[k])
    return total


@njit(inline="always")
def _dot8(w, x, s, t, u, v):
    """Two weights with four positions each, so that a word that was read is used again."""
    a = b = c = d = e = f = g = h = _ZERO
    for k in range(len(w)):
        y, z, i, j, m, n = w[k], x[k], s[k], t[k], u[k], v[k]
        a += _count(y & i)
        b += _count(y & j)
        c += _count(y & m)
        d += _count(y & n)
        e += _count(z & i)
        f += _count(z & j)
        g += _count(z & m)
        h += _count(z & n)
    return a, b, c, d, e, f, g, h


@njit(inline="always")
def _put(row, o, first, second, seen, plane):
    _put_one(row, o, first, seen, plane)
    _put_one(row, o + 1, second, seen, plane)


@njit(inline="always")
def _put_one(row, o, both, seen, plane):
    dot = (2 * np.int32(both) - seen) << plane
    row[o] = dot if plane == 0 else row[o] + dot


def conv2d(weights: np.ndarray, planes: np.ndarray, window: Window, groups: int = 1) -> np.ndarray:
    """A whole convolution on one thread.

    Args:
        weights: uint64 [O, K].
        planes: spikes, uint64 [planes, N, H, W, words].
        window: geometry.
        groups: into how many groups channels fall; each of a multiple of 64 unless there is one.

    Returns:
        int32 [N, height, width, O].
    """
    count = planes.shape[1] * window.height * window.width
    sums = np.empty((count, len(weights)), np.int32)
    work = Workspace.of(weights, min(count, 1024))
    for first in range(0, count, 1024):
        last = min(first + 1024, count)
        sums_of(weights, planes, window, groups, first, last, work, sums[first:last])
    return sums.reshape(planes.shape[1], window.height, window.width, len(weights))


def linear(weights: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """A whole matrix product on one thread: uint64 [O, K], uint64 [planes, N, K] → int32 [N, O]."""
    sums = np.empty((planes.shape[1], len(weights)), np.int32)
    ones = np.zeros(planes.shape[1], np.int32)
    for plane, words in enumerate(planes):
        ones_of(words, ones)
        dots(weights, words, ones, sums, len(words), (0, len(weights)), plane)
    return sums


@njit(cache=True, nogil=True, error_model="numpy")
def ones_of(words, ones):
    """How many bits are set in each row, uint64 [N, K] → int32 [N], written."""
    for n in range(len(words)):
        seen = _ZERO
        for word in words[n]:
            seen += _count(word)
        ones[n] = seen


class Workspace(NamedTuple):
    """What a thread needs to work out some positions of a convolution."""

    found: np.ndarray  # uint64 [positions, K]
    ones: np.ndarray  # int32 [positions]

    @classmethod
    def of(cls, weights: np.ndarray, positions: int) -> "Workspace":
        """For so many positions at a time."""
        return cls(np.empty((positions, weights.shape[1]), np.uint64), np.empty(positions, np.int32))


def sums_of(
    weights: np.ndarray,
    planes: np.ndarray,
    window: Window,
    groups: int,
    first: int,
    last: int,
    work: Workspace,
    sums: np.ndarray,
) -> None:
    """The sums of output positions `first` … `last` − 1, into int32 [≥ last − first, O]; else as `conv2d`."""
    per_group = len(weights) // groups
    for plane, words in enumerate(planes):
        for group in range(groups):
            patches(words, window, group, first, last, work.found, work.ones)
            channels = (group * per_group, (group + 1) * per_group)
            dots(weights, work.found, work.ones, sums, last - first, channels, plane)
