"""What protected memories give back, bit by bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewright.errors import BadSetting
from spikewright.reliability.campaign.protection import Protection
from spikewright.reliability.faults import Patch, Rewrite
from spikewright.reliability.sites import Memory, Sites


def _sites(integers: list[int], bits: int) -> Sites:
    memory = Memory(name="a", integers=np.array(integers, np.int64), bits=bits, positions=tuple(range(bits)))
    return Sites(memories=(memory,))


@given(st.lists(st.integers(-127, 127), min_size=1, max_size=9), st.data())
def test_kept_bits_come_back_and_the_others_do_not(integers: list[int], data: st.DataObject) -> None:
    faulty = [data.draw(st.integers(-128, 127)) for _ in integers]
    saved = data.draw(st.integers(0, 8))
    sites = _sites(integers, 8)
    patch = Patch(weights={"a": Rewrite(np.arange(len(integers)), np.array(faulty, np.int64))}, hits=3)
    left = Protection(ecc=saved)(patch, sites)
    stored = list(integers)
    for name, rewrite in left.weights.items():
        assert name == "a"
        for place, integer in zip(rewrite.places.tolist(), rewrite.integers.tolist(), strict=True):
            stored[place] = integer
    for before, after, found in zip(integers, faulty, stored, strict=True):
        words = [format(value & 255, "08b") for value in (before, after)]
        assert format(found & 255, "08b") == words[0][:saved] + words[1][saved:]
    assert left.hits == 3


def test_clipping_is_to_the_range_that_was_written() -> None:
    patch = Patch(weights={"a": Rewrite(np.array([0, 1, 2]), np.array([-128, 127, 4]))})
    left = Protection(clip=True)(patch, _sites([-5, 3, 9], 8)).weights["a"]
    assert left.places.tolist() == [1, 2]  # −128 becomes −5, which is what was there
    assert left.integers.tolist() == [9, 4]


def test_one_bit_weights_are_kept_whole() -> None:
    patch = Patch(weights={"a": Rewrite(np.array([0, 1]), np.array([-1, 1]))})
    assert Protection(ecc=2)(patch, _sites([1, -1], 1)).weights == {}


def test_the_price_is_eight_bits_for_sixty_four() -> None:
    assert Protection(ecc=2).extra_bits(_sites([1] * 33, 8)) == 16
    assert Protection(clip=True).extra_bits(_sites([1] * 33, 8)) == 0


@pytest.mark.parametrize("bits", [-1, 17])
def test_impossible_codes_are_refused(bits: int) -> None:
    with pytest.raises(BadSetting, match="0 to 16"):
        Protection(ecc=bits)
