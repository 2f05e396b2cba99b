"""Recordings are in order of time, inside their sensor, and not empty."""

from typing import Any

import numpy as np
import pytest

from data.events.reading import events_of
from spikewright.data.events.recording import Recording
from spikewright.errors import BadData


def recording(t: list[int], **change: Any) -> Recording:
    count = len(t)
    parts = {
        "x": np.arange(count, dtype=np.int16),
        "y": np.zeros(count, np.int16),
        "t": np.array(t, dtype=np.int64),
        "p": np.ones(count, bool),
        "sensor": (2, 9),
        "where": "r",
    }
    return Recording(**(parts | change))


def test_events_are_put_in_order_and_equal_times_stay() -> None:
    made = recording([5, 3, 5, 3, 4])
    assert [(t, x) for x, _, t, _ in events_of(made)] == [(3, 1), (3, 3), (4, 4), (5, 0), (5, 2)]
    assert len(made) == 5


def test_a_cut_takes_its_start_and_leaves_its_end() -> None:
    part = recording([1, 2, 2, 3, 4]).cut(2, 4)
    assert events_of(part) == [(1, 0, 2, True), (2, 0, 2, True), (3, 0, 3, True)]
    with pytest.raises(BadData, match="r, 7 to 9 µs: no events: remove the recording"):
        recording([1, 2]).cut(7, 9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.array([0, 9], np.int16)}, "r: event 1 is at x = 9, y = 0, outside the sensor of 2x9 pixels"),
        ({"x": np.array([-1, 0], np.int16)}, "event 0 is at x = -1"),
        ({"y": np.array([0, 2], np.int16)}, "event 1 is at x = 1, y = 2"),
        ({"y": np.array([-1, 2], np.int16)}, "event 0 is at x = 0, y = -1"),
        ({"p": np.ones(3, bool)}, r"x, y, t and p hold \[2, 3\] events: give as many of each"),
    ],
)
def test_impossible_events_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadData, match=message) as caught:
        recording([0, 1], **change)
    assert "\n" not in str(caught.value)


def test_an_empty_recording_is_refused() -> None:
    with pytest.raises(BadData, match="r: no events: remove the recording"):
        recording([])


def test_strays_are_dropped_and_counted_where_it_is_asked() -> None:
    made = recording([0, 1, 2, 3], x=np.array([0, 9, -1, 8], np.int16), stray="drop")
    assert events_of(made) == [(0, 0, 0, True), (8, 0, 3, True)]
    assert made.dropped == 2
    assert made.cut(0, 2).dropped == 0
    with pytest.raises(BadData, match="r: all 2 events lie outside the sensor of 2x9 pixels: give --sensor"):
        recording([0, 1], x=np.array([9, 10], np.int16), stray="drop")
    message = "event 1 is at x = 9, y = 0, outside .*, with 1 others: .* --sensor HEIGHTxWIDTH .* --stray drop"
    with pytest.raises(BadData, match=message):
        recording([0, 1, 2], x=np.array([0, 9, 10], np.int16))


def test_steps_back_are_counted_and_clocks_that_start_again_refused() -> None:
    assert (recording([5, 3, 5, 3, 4]).steps_back, recording([5, 2, 5, 3, 4]).largest_step_back) == (2, 3)
    assert recording([3, 4, 5]).steps_back == 0
    with pytest.raises(BadData, match="r: times step back at 1 of 4 events, by up to 60,000 of the 65,000 µs"):
        recording([0, 65_000, 5_000, 6_000])
