"""Stored integers as words of bits, against Python integers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.faults.as_text import integer, slow_strike, word
from reliability.faults.sites import bits_of, networks
from spikewright.errors import BadSetting
from spikewright.reliability.faults._words import faulty, integers, listed, masked_words, require_rate, words
from spikewright.reliability.sites import Memory, Sites


@pytest.mark.parametrize("bits", [1, 2, 3, 8, 12])
def test_every_word_there_and_back(bits: int) -> None:
    values = [-1, 1] if bits == 1 else list(range(-(2 ** (bits - 1)), 2 ** (bits - 1)))
    found = words(np.array(values), bits)
    assert found.tolist() == [int(word(value, bits), 2) for value in values]
    assert integers(found, bits).tolist() == values == [integer(word(value, bits)) for value in values]


STRIKES: dict[str, Any] = {"1": lambda w, m: w | m, "0": lambda w, m: w & ~m, "flip": lambda w, m: w ^ m}


@given(networks(), st.sampled_from(sorted(STRIKES)), st.data())
def test_struck_weights_like_text(sites: Sites, kind: str, data: st.DataObject) -> None:
    hit = sorted(data.draw(st.sets(st.integers(0, sites.bits - 1)))) if sites.bits else []
    found = faulty(sites, np.array(hit, dtype=np.int64), STRIKES[kind])
    expected = slow_strike(sites, hit, kind)
    rewritten = {
        name: dict(zip(each.places.tolist(), each.integers.tolist(), strict=True)) for name, each in found.items()
    }
    assert rewritten == expected
    assert all(each.places.tolist() == sorted(each.places.tolist()) for each in found.values())


@given(networks(), st.data())
def test_listed_bits_are_found_by_their_numbers(sites: Sites, data: st.DataObject) -> None:
    every = bits_of(sites)
    chosen = sorted(data.draw(st.sets(st.integers(0, len(every) - 1)))) if every else []
    by_name: dict[str, tuple[tuple[int, int], ...]] = {}
    for index in data.draw(st.permutations(chosen)):
        name, place, position = every[index]
        by_name[name] = (*by_name.get(name, ()), (place, position))
    assert listed(by_name, sites).tolist() == chosen


SITES = Sites(
    memories=(
        Memory(name="a", integers=np.array([1, 2, 3]), bits=4, positions=(3,)),
        Memory(name="b", integers=np.array([1, 2, 3]), bits=4, positions=(0, 1), places=np.array([0, 2])),
    )
)


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        ({"c": ((0, 0),)}, "no layer 'c' to strike: choose among a, b"),
        ({"a": ((0, 2),)}, "layer 'a' has no bit 2 of weight 0 here"),
        ({"a": ((3, 3),)}, "no bit 3 of weight 3"),
        ({"b": ((1, 0),)}, "layer 'b' has no bit 0 of weight 1"),
        ({"b": ((-1, 0),)}, "no bit 0 of weight -1"),
    ],
)
def test_bits_that_are_not_there_are_named(bits: dict[str, tuple[tuple[int, int], ...]], words: str) -> None:
    with pytest.raises(BadSetting) as caught:
        listed(bits, SITES)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), min_size=1, unique=True))
def test_masks_like_python(bits: list[tuple[int, int]]) -> None:
    bits = sorted(bits)
    expected: dict[int, int] = {}
    for place, position in bits:
        expected[place] = expected.get(place, 0) + 2**position
    places, masks = masked_words(np.array([place for place, _ in bits]), np.array([bit for _, bit in bits]))
    assert dict(zip(places.tolist(), masks.tolist(), strict=True)) == expected


@pytest.mark.parametrize("rate", [-1e-9, 1.0001, float("nan"), float("inf")])
def test_a_rate_is_a_probability(rate: float) -> None:
    with pytest.raises(BadSetting, match=r"^x: ber is .*: a rate is a probability, give one from 0 to 1$"):
        require_rate("x: ber", rate)
    require_rate("x: ber", None)
    require_rate("x: ber", 0)
    require_rate("x: ber", 1)
