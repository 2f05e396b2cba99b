"""Streams of a fault map against Python integers, and their statistics."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reliability.faults.slow import SlowDraw, philox
from spikewright.reliability.draw import Draw

MAPS = st.tuples(st.integers(0, 2**70), st.sampled_from(["model", "layer:fc1", "bit:7", "channel:c/3"]), st.integers(0))


def test_philox_as_its_authors_give_it() -> None:
    """Known answers of Random123 for philox4x64-10 with key and counter 0; ours start at counter 1."""
    zero = [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]
    assert np.random.Philox(key=0, counter=2**256 - 1).random_raw(4).tolist() == zero
    stream = philox(0)
    ours = [next(stream) for _ in range(8)]
    assert np.random.Philox(key=0).random_raw(8).tolist() == ours


@given(MAPS, st.lists(st.sampled_from(["key", "uniforms", "normals", "hits", "distinct"]), max_size=6))
def test_every_draw_like_python(which: tuple[int, str, int], calls: list[str]) -> None:
    draw, slow = Draw(*which), SlowDraw(*which)
    for call in calls:
        if call == "key":
            assert draw.key() == slow.key()
        elif call == "uniforms":
            assert draw.uniforms(7).tolist() == slow.uniforms(7)
        elif call == "normals":
            np.testing.assert_allclose(draw.normals(5), slow.normals(5), rtol=1e-13)
        elif call == "hits":
            assert draw.hits(200, 0.03).tolist() == slow.hits(200, 0.03)
        else:
            assert draw.distinct(40, 9).tolist() == slow.distinct(40, 9)


@given(MAPS, st.integers(0, 400), st.one_of(st.sampled_from([0.0, 1.0, 1e-300, 1 - 1e-16]), st.floats(0, 1)))
def test_hits_like_python(which: tuple[int, str, int], total: int, rate: float) -> None:
    found = Draw(*which).hits(total, rate)
    assert found.dtype == np.int64
    assert found.tolist() == SlowDraw(*which).hits(total, rate)


@given(MAPS, st.data())
def test_distinct_are_distinct_and_inside(which: tuple[int, str, int], data: st.DataObject) -> None:
    total = data.draw(st.integers(0, 60))
    count = data.draw(st.integers(0, total))
    found = Draw(*which).distinct(total, count).tolist()
    assert found == sorted(set(found))
    assert len(found) == count
    assert all(0 <= place < total for place in found)
    assert found == SlowDraw(*which).distinct(total, count)


def test_a_map_is_a_function_of_seed_stratum_and_number() -> None:
    keys = {
        (seed, stratum, number): Draw(seed, stratum, number).key()
        for seed in range(5)
        for stratum in ("model", "layer:a", "layer:ab", "bit:1")
        for number in range(50)
    }
    assert len(set(keys.values())) == len(keys)
    again = {which: Draw(*which).key() for which in reversed(keys)}
    assert again == keys
    # what stands next to the separator is not confused with it
    assert len({Draw(1, "1", 11).key(), Draw(11, "1", 1).key(), Draw(1, "11", 1).key()}) == 3


def test_uniforms_never_reach_their_ends() -> None:
    """A word of all ones, and one of zeros, are the ends of the grid."""
    draw = Draw(0, "model", 0)
    for word, expected in ((2**64 - 1, 1 - 2**-53), (0, 2**-53)):
        draw._words = _Constant(word)  # pyright: ignore[reportAttributeAccessIssue]
        assert draw.uniforms(2).tolist() == [expected] * 2
        assert 0 < expected < 1
        assert np.isfinite(draw.normals(2)).all()


class _Constant:
    def __init__(self, word: int) -> None:
        self.word = word

    def random_raw(self, count: int) -> np.ndarray:
        return np.full(count, self.word, dtype=np.uint64)


@pytest.mark.parametrize("rate", [1e-3, 0.02, 0.3, 0.9])
def test_hits_are_independent_and_equally_likely(rate: float) -> None:
    """400 maps over 2,000 places: how many, where, and how far apart."""
    maps = [Draw(7, "model", number).hits(2000, rate) for number in range(400)]
    counts = np.array([len(hit) for hit in maps])
    expected = 400 * 2000 * rate
    assert abs(counts.sum() - expected) < 4 * np.sqrt(expected * (1 - rate))
    # the number of hits a map is binomial: its variance, by chi-square
    spread = (counts.size - 1) * counts.var(ddof=1) / (2000 * rate * (1 - rate))
    assert 1e-3 < stats.chi2.cdf(spread, counts.size - 1) < 1 - 1e-3
    everywhere = np.bincount(np.concatenate(maps) // 100, minlength=20)
    assert stats.chisquare(everywhere).pvalue > 1e-3
    gaps = np.concatenate([np.diff(hit) for hit in maps])
    short = np.array([(gaps == 1).mean(), (gaps == 2).mean()])
    assert np.allclose(short, [rate, rate * (1 - rate)], atol=4 * np.sqrt(rate / len(gaps)))


def test_every_choice_of_distinct_places_is_as_likely() -> None:
    chosen = [tuple(Draw(3, "model", number).distinct(6, 3).tolist()) for number in range(4000)]
    kinds, counts = np.unique(chosen, axis=0, return_counts=True)
    assert len(kinds) == 20
    assert stats.chisquare(counts).pvalue > 1e-3


def test_uniforms_and_normals_have_their_distributions() -> None:
    draw = Draw(5, "model", 1)
    assert stats.kstest(draw.uniforms(20_000), "uniform").pvalue > 1e-3
    assert stats.kstest(draw.normals(20_000), "norm").pvalue > 1e-3
