"""The counter's draws against Python integers, bit for bit."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewright.snn.encoders import _draws as bernoulli

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15


def mixed(state: int) -> int:
    """The finaliser of splitmix64, as printed."""
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & MASK
    return state ^ (state >> 31)


def test_the_hash_is_splitmix64() -> None:
    """The first outputs of the generator seeded with 1234567, of its authors' reference implementation."""
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    state, found = 1234567, []
    for _ in expected:
        state = (state + GOLDEN) & MASK
        found.append(mixed(state))
    assert found == expected


@given(st.integers(0, MASK), st.integers(1, 4), st.lists(st.floats(-0.5, 1.5, width=32), min_size=1, max_size=6))
def test_spikes_like_python(key: int, timesteps: int, row: list[float]) -> None:
    rows = np.array([row, row[::-1]], dtype=np.float32)
    keys = np.array([key, mixed(key)], dtype=np.uint64)
    found = bernoulli.spikes(rows, keys, timesteps)
    for t, n, i in np.ndindex(timesteps, 2, len(row)):
        draw = mixed((int(keys[n]) + (t * len(row) + i + 1) * GOLDEN) & MASK) >> 40
        assert found[t, n, i] == float(draw / 2**24 < float(rows[n, i]))


@given(st.integers(0, 2**63 - 1), st.lists(st.floats(width=32, allow_nan=False), max_size=5))
def test_content_keys_like_python(seed: int, row: list[float]) -> None:
    key = mixed((seed + GOLDEN) & MASK)
    for value in row:
        word = struct.unpack("<I", struct.pack("<f", value + 0.0))[0]
        key = mixed((key + GOLDEN + word) & MASK)
    found = bernoulli.content_keys(np.array([row], dtype=np.float32).reshape(1, -1), seed)
    assert found.tolist() == [key]


def test_keys_of_rows_are_all_different_and_no_zero_makes_two_samples_of_one() -> None:
    keys = np.concatenate([bernoulli.row_keys(500, (seed, step)) for seed in range(4) for step in range(4)])
    assert len(np.unique(keys)) == len(keys) == 8000
    assert bernoulli.row_keys(3, (1, 2)).tolist() == bernoulli.row_keys(9, (1, 2))[:3].tolist()
    zeros = np.array([[0.0, 1.0], [-0.0, 1.0], [1.0, 0.0]], dtype=np.float32)
    first, second, third = bernoulli.content_keys(zeros, 0).tolist()
    assert first == second != third


@pytest.mark.parametrize("rows", [0, 3])
def test_nothing_to_draw(rows: int) -> None:
    none = np.zeros((rows, 0), dtype=np.float32)
    keys = bernoulli.content_keys(none, 1)
    assert len(keys) == rows
    assert bernoulli.spikes(none, keys, 2).shape == (2, rows, 0)
