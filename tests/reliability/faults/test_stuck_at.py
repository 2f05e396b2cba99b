"""Stuck weight bits, against Python integers drawn from the same stream."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.faults.as_text import rewritten, slow_strike
from reliability.faults.sites import networks
from reliability.faults.slow import SlowDraw
from spikewright.errors import BadSetting
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults.stuck_at import StuckAt
from spikewright.reliability.sites import Memory, Sites


@given(networks(), st.sampled_from([0, 1]), st.sampled_from([0.0, 0.1, 0.6, 1.0]), st.integers(0, 2**64))
def test_stuck_bits_like_python(sites: Sites, at: int, ber: float, number: int) -> None:
    hit = SlowDraw(9, "model", number).hits(sites.bits, ber)
    patch = StuckAt(ber=ber, at=at).patch(sites, Draw(9, "model", number))
    assert rewritten(patch) == slow_strike(sites, hit, str(at))
    assert patch.hits == len(hit)


@pytest.mark.parametrize(("at", "expected"), [(0, {0: 0, 1: 0, 2: 0}), (1, {0: -1, 2: -1, 3: -1})])
def test_all_bits_stuck_by_hand(at: int, expected: dict[int, int]) -> None:
    """What holds the stuck value already is left out: weight 3 (zero) at 0, weight 1 (all ones) at 1."""
    sites = Sites(memories=(Memory(name="a", integers=np.array([5, -1, -128, 0]), bits=8, positions=tuple(range(8))),))
    assert rewritten(StuckAt(ber=1.0, at=at).patch(sites, Draw(0, "m", 0))) == {"a": expected}


def test_one_bit_weights_stick_at_a_sign() -> None:
    sites = Sites(memories=(Memory(name="a", integers=np.array([1, -1]), bits=1, positions=(0,)),))
    assert rewritten(StuckAt(ber=1.0, at=0).patch(sites, Draw(0, "m", 0))) == {"a": {0: -1}}
    assert rewritten(StuckAt(ber=1.0, at=1).patch(sites, Draw(0, "m", 0))) == {"a": {1: 1}}


def test_the_same_bits_as_flips_of_the_same_rate() -> None:
    """About half of the stuck bits change nothing, and stuck at 0 and at 1 change together what flips change."""
    values = np.random.default_rng(0).integers(-127, 128, 5000)
    sites = Sites(memories=(Memory(name="a", integers=values, bits=8, positions=(6,)),))
    low, high = (StuckAt(ber=0.2, at=at).patch(sites, Draw(1, "m", 1)) for at in (0, 1))
    assert low.hits == high.hits
    changed = [len(patch.weights["a"].places) for patch in (low, high)]
    assert sum(changed) == low.hits
    assert abs(changed[0] - low.hits / 2) < 4 * np.sqrt(low.hits / 4)


@pytest.mark.parametrize(
    ("settings", "words"), [({"ber": -0.1}, "stuck_at: ber is -0.1"), ({"ber": 0.1, "at": 2}, "at is 2")]
)
def test_bad_settings_are_named(settings: dict[str, float], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        StuckAt(**settings)  # pyright: ignore[reportArgumentType]
