"""Flipped weight bits, against Python integers drawn from the same stream."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.faults.as_text import rewritten, slow_strike
from reliability.faults.sites import bits_of, networks
from reliability.faults.slow import SlowDraw
from spikewright.errors import BadSetting
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults.bit_flip import BitFlip
from spikewright.reliability.sites import Memory, Sites


@given(networks(), st.sampled_from([0.0, 1e-3, 0.1, 0.5, 1.0]), st.integers(0, 2**64))
def test_flips_at_a_rate_like_python(sites: Sites, ber: float, number: int) -> None:
    hit = SlowDraw(3, "model", number).hits(sites.bits, ber)
    patch = BitFlip(ber=ber).patch(sites, Draw(3, "model", number))
    assert rewritten(patch) == slow_strike(sites, hit, "flip")
    assert patch.hits == len(hit)


@given(networks().filter(lambda sites: sites.bits > 0), st.data())
def test_a_fixed_number_of_flips_like_python(sites: Sites, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, sites.bits))
    patch = BitFlip(count=count).patch(sites, Draw(3, "layer:x", 5))
    assert rewritten(patch) == slow_strike(sites, SlowDraw(3, "layer:x", 5).distinct(sites.bits, count), "flip")
    assert patch.hits == count
    # each flip changes its weight: there are as many changed bits as flips
    assert bool(patch.weights)


@given(networks().filter(lambda sites: sites.bits > 0), st.data())
def test_listed_flips_whatever_the_map(sites: Sites, data: st.DataObject) -> None:
    every = bits_of(sites)
    hit = sorted(data.draw(st.sets(st.integers(0, len(every) - 1), min_size=1)))
    bits: dict[str, tuple[tuple[int, int], ...]] = {}
    for index in hit:
        name, place, position = every[index]
        bits[name] = (*bits.get(name, ()), (place, position))
    for number in (0, 1):
        patch = BitFlip(bits=bits).patch(sites, Draw(0, "model", number))
        assert rewritten(patch) == slow_strike(sites, hit, "flip")
        assert patch.hits == len(hit)


def test_flipping_twice_is_nothing_and_all_bits_is_the_complement() -> None:
    values = np.array([-127, -1, 0, 1, 127])
    sites = Sites(memories=(Memory(name="a", integers=values, bits=8, positions=tuple(range(8))),))
    once = BitFlip(ber=1.0).patch(sites, Draw(0, "model", 0)).weights["a"]
    assert once.integers.tolist() == [126, 0, -1, -2, -128]
    again = Sites(memories=(Memory(name="a", integers=once.integers, bits=8, positions=tuple(range(8))),))
    assert BitFlip(ber=1.0).patch(again, Draw(0, "model", 0)).weights["a"].integers.tolist() == values.tolist()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "give one of ber"),
        ({"ber": 0.1, "count": 1}, "give one of ber"),
        ({"ber": 1.5}, "bit_flip: ber is 1.5"),
        ({"ber": float("nan")}, "ber is nan"),
        ({"count": 0}, "count is 0: flip 1 bit or more"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, float], words: str) -> None:
    with pytest.raises(BadSetting) as caught:
        BitFlip(**settings)  # pyright: ignore[reportArgumentType]
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_more_flips_than_bits_are_refused() -> None:
    sites = Sites(memories=(Memory(name="a", integers=np.array([1]), bits=8, positions=(0, 1)),))
    with pytest.raises(BadSetting, match="count is 3, but there are 2 bits here"):
        BitFlip(count=3).patch(sites, Draw(0, "model", 0))
