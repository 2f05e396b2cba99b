"""Draws by (key, image, slot) against Python integers, and their statistics."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reliability.faults import slow
from spikewright.reliability import draw_loops as draws

KEYS = st.integers(0, 2**64 - 1)
RATES = st.one_of(st.sampled_from([0.0, 1.0, 1e-30, 2.0**-64, 1 - 2.0**-53]), st.floats(0, 1))


@given(KEYS, st.lists(st.integers(0, 2**62), max_size=5))
def test_image_keys_like_python(key: int, images: list[int]) -> None:
    assert draws.image_keys(key, np.array(images, dtype=np.int64)).tolist() == [slow.word(key, n) for n in images]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.int8])
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 4), st.integers(0, 3), st.integers(0, 5)),
    rate=RATES,
    fired=st.booleans(),
    signed=st.booleans(),
)
def test_struck_slots_like_python(
    dtype: type, seed: int, shape: tuple[int, int, int], rate: float, fired: bool, signed: bool
) -> None:
    generator = np.random.default_rng(seed)
    low = -1 if signed and dtype is not np.uint8 else 0
    train = generator.integers(low, 2, shape).astype(dtype)
    keys = generator.integers(0, 2**64, shape[1], dtype=np.uint64)
    places = np.flatnonzero(generator.random(shape[2]) < 0.7)
    expected = train.copy()
    for t, n, i in np.ndindex(shape):
        faulty = slow.word(int(keys[n]), t * shape[2] + i) < rate * 2**64
        if i in places and faulty and (train[t, n, i] != 0) == fired:
            expected[t, n, i] = 0 if fired else 1
    draws.apply_slots(train, keys, places, rate, fired=fired)
    assert np.array_equal(train, expected)


@given(st.lists(KEYS, max_size=3), st.lists(st.integers(0, 2**40), max_size=5), st.integers(1, 20), RATES)
def test_masks_like_python(keys: list[int], slots: list[int], bits: int, rate: float) -> None:
    found = draws.masks(np.array(keys, dtype=np.uint64), np.array(slots, dtype=np.int64), bits, rate)
    expected = [
        [sum((slow.word(key, slot * bits + bit) < rate * 2**64) << bit for bit in range(bits)) for slot in slots]
        for key in keys
    ]
    assert found.shape == (len(keys), len(slots))
    assert found.tolist() == expected


@given(st.lists(KEYS, max_size=3), st.lists(st.integers(0, 2**40), max_size=5))
def test_normals_like_python(keys: list[int], slots: list[int]) -> None:
    found = draws.normals(np.array(keys, dtype=np.uint64), np.array(slots, dtype=np.int64))
    expected = np.array([[slow.slot_normal(key, slot) for slot in slots] for key in keys])
    np.testing.assert_allclose(found, expected.reshape(found.shape), rtol=1e-13)


@given(st.lists(KEYS, max_size=8).filter(lambda words: len(words) % 2 == 0))
def test_normals_of_words_like_python(words: list[int]) -> None:
    found = draws.normal(np.array(words, dtype=np.uint64))
    expected = [slow.normal(a, b) for a, b in zip(words[::2], words[1::2], strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize("rate", [1e-4, 0.03, 0.5])
def test_slots_are_independent_and_equally_likely(rate: float) -> None:
    """1,000 images of 10 steps and 40 neurons: how many are struck, by image, step, neuron, and next to each other."""
    silent = np.zeros((10, 1000, 40), dtype=np.float32)
    draws.apply_slots(silent, draws.image_keys(12345, np.arange(1000)), np.arange(40), rate, fired=False)
    expected = silent.size * rate
    assert abs(silent.sum() - expected) < 4 * np.sqrt(expected * (1 - rate))
    for axes in ((1, 2), (0, 1)):
        observed = silent.sum(axis=axes, dtype=np.float64)
        cells = silent.size // len(observed)
        score = ((observed - cells * rate) ** 2).sum() / (cells * rate * (1 - rate))
        assert 1e-3 < stats.chi2.cdf(score, len(observed)) < 1 - 1e-3
    for axis in range(3):
        beside = np.take(silent, range(1, silent.shape[axis]), axis) * np.take(
            silent, range(silent.shape[axis] - 1), axis
        )
        assert abs(beside.sum() - beside.size * rate**2) < 5 * np.sqrt(beside.size * rate**2) + 1


def test_normals_have_their_distribution_and_do_not_correlate() -> None:
    found = draws.normals(draws.image_keys(9, np.arange(200)), np.arange(100))
    assert stats.kstest(found.ravel(), "norm").pvalue > 1e-3
    for left, right in ((found[1:], found[:-1]), (found[:, 1:], found[:, :-1])):
        assert abs(np.corrcoef(left.ravel(), right.ravel())[0, 1]) < 4 / np.sqrt(left.size)
