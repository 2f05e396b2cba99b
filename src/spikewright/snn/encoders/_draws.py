"""Bernoulli spikes by a counter: the draw at (key, t, i) is a hash, so no generator has to be kept or passed on.

    u(key, t, i) = top 24 bits of splitmix64(key, t · n + i) / 2^24          s = [u < x]
The hash is that of Steele, Lea & Flood 2014 ("Fast splittable pseudorandom number generators"). 24 bits: pixels
have 8, and float32 holds 24 exactly.
"""

import numba
import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: the counter's stride
MIX1, MIX2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
TOP = np.float32(2.0**-24)


@numba.njit(cache=True)
def mixed(state: np.uint64) -> np.uint64:
    """The finaliser of splitmix64: 64 bits that all depend on all of `state`."""
    state = (state ^ (state >> np.uint64(30))) * MIX1
    state = (state ^ (state >> np.uint64(27))) * MIX2
    return state ^ (state >> np.uint64(31))


@numba.njit(cache=True)
def _spikes(rows: NDArray[np.float32], keys: Keys, out: NDArray[np.float32]) -> None:
    features = rows.shape[1]
    for t in range(out.shape[0]):
        for n in range(rows.shape[0]):
            row, target = rows[n], out[t, n]
            counter = keys[n] + np.uint64(t * features) * GOLDEN
            for i in range(features):
                counter += GOLDEN
                draw = np.float32(np.int64(mixed(counter) >> np.uint64(40))) * TOP
                target[i] = np.float32(1.0) if draw < row[i] else np.float32(0.0)


@numba.njit(cache=True)
def _content_keys(bits: NDArray[np.uint32], seed: np.uint64, keys: Keys) -> None:
    for n in range(bits.shape[0]):
        row, key = bits[n], mixed(seed + GOLDEN)
        for i in range(bits.shape[1]):
            key = mixed(key + GOLDEN + np.uint64(row[i]))
        keys[n] = key


def spikes(rows: NDArray[np.float32], keys: Keys, timesteps: int) -> NDArray[np.float32]:
    """Probabilities [N, n] and a key for each row → spikes [T, N, n] of 0 and 1."""
    out = np.empty((timesteps, *rows.shape), dtype=np.float32)
    _spikes(np.ascontiguousarray(rows), keys, out)
    return out


def content_keys(rows: NDArray[np.float32], seed: int) -> Keys:
    """A key for each row [N, n], made of its values and the seed."""
    bits = np.ascontiguousarray(rows + np.float32(0.0)).view(np.uint32)  # + 0: −0 and 0 are the same value
    keys = np.empty(len(rows), dtype=np.uint64)
    _content_keys(bits, np.uint64(seed), keys)
    return keys


def row_keys(rows: int, key: tuple[int, ...]) -> Keys:
    """A key for each of so many rows, made of the numbers in `key`."""
    keys: Keys = np.random.SeedSequence(key).generate_state(rows, dtype=np.uint64).astype(np.uint64)
    return keys
