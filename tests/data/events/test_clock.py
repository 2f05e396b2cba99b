"""Times become microseconds by their unit alone; what is of no one clock is refused with how often."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies

from spikewright.data.events.clock import in_microseconds, out_of_order, require_resolved
from spikewright.errors import BadData

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@given(
    unit=strategies.sampled_from(["s", "ms", "us", "ns"]),
    counts=strategies.lists(strategies.integers(-(10**11), 10**11), min_size=1, max_size=20),
)
def test_whole_times_are_those_of_exact_fractions(unit: Any, counts: list[int]) -> None:
    got = in_microseconds(np.array(counts), unit=unit, usual="us", where="r")
    for count, found in zip(counts, got.tolist(), strict=True):
        exact = Fraction(count, PER_SECOND[unit]) * 10**6
        assert abs(found - exact) <= Fraction(1, 2)


@given(times=strategies.lists(strategies.integers(0, 10**10), min_size=1, max_size=20))
def test_seconds_with_fractions_come_back(times: list[int]) -> None:
    seconds = np.array(times) / 1e6
    assert in_microseconds(seconds, unit="s", usual="us", where="r").tolist() == times


def test_fractions_without_a_unit_are_refused_with_their_number() -> None:
    message = r"r: 2 of 3 events have times with fractions, as event 1 with t = 0\.5: .* --time-unit s, ms, us or ns"
    with pytest.raises(BadData, match=message):
        in_microseconds(np.array([0.0, 0.5, 1.5]), unit=None, usual="us", where="r")
    assert in_microseconds(np.array([0.0, 0.5, 1.5]), unit="us", usual="us", where="r").tolist() == [0, 0, 2]
    assert in_microseconds(np.array([0.0, 7.0]), unit=None, usual="us", where="r").tolist() == [0, 7]
    assert in_microseconds(np.array([0.5]), unit=None, usual="ms", where="r").tolist() == [500]


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        (np.array([0, 2**62]), "s"),
        (np.array([0, -(2**50)]), "s"),
        (np.array([0, 2**63], np.uint64), "us"),
        (np.array([0, np.inf]), "ns"),
        (np.array([0, np.nan]), "ms"),
        (np.array([0, -(2**63)]), "ns"),
    ],
)
def test_what_would_overflow_is_named(values: np.ndarray, unit: Any) -> None:
    with pytest.raises(BadData, match=r"r: event 1 has t = .*no time beyond \d+ microseconds \(1 of 2 events\)"):
        in_microseconds(values, unit=unit, usual="us", where="r")


def test_a_wrapped_clock_is_refused() -> None:
    true = np.linspace(0, 300_000, 1000).astype(np.int64)
    wrapped = true % 2**16
    count = sum(later < earlier for earlier, later in pairwise(wrapped.tolist()))
    assert count == 4
    with pytest.raises(
        BadData, match=r"r: times step back at 4 of 1,000 events, by up to .* a clock that starts again"
    ):
        out_of_order(wrapped, where="r")
    assert out_of_order(true, where="r").steps == 0


@given(times=strategies.lists(strategies.integers(0, 900), min_size=1, max_size=40))
def test_neighbours_out_of_order_are_counted(times: list[int]) -> None:
    found = out_of_order(np.array([*times, 10**6]), where="r")
    back = [earlier - later for earlier, later in pairwise(times) if later < earlier]
    assert (found.steps, found.largest) == (len(back), max(back, default=0))


def test_times_at_both_ends_of_an_int64_do_not_overflow() -> None:
    with pytest.raises(BadData, match="r: lasts 18,446,744,073,709,551,615 µs, which cannot be cut"):
        out_of_order(np.array([-(2**63), 2**63 - 1]), where="r")


def test_a_recording_shorter_than_its_frames_is_refused() -> None:
    with pytest.raises(BadData, match=r"r: 3 events within 2 µs, shorter than 10 frames .*--time-unit"):
        require_resolved(np.array([0, 0, 1]), timesteps=10, where="r")
    require_resolved(np.array([0, 0, 9]), timesteps=10, where="r")
    require_resolved(np.array([5]), timesteps=10, where="r")
