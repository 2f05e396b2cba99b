"""Frames against a loop over events in plain Python, with exact fractions for the windows; and against tonic."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from data.events.writing import Event, events_within, some_events
from spikewright.data.events.frames import frames
from spikewright.data.events.recording import Recording
from spikewright.errors import BadSetting

SENSOR = (6, 9)


def recording(events: list[Event], sensor: tuple[int, int] = SENSOR) -> Recording:
    x, y, t, p = zip(*events, strict=True)
    return Recording(
        x=np.array(x, np.int16),
        y=np.array(y, np.int16),
        t=np.array(t, np.int64),
        p=np.array(p, bool),
        sensor=sensor,
        where="r",
    )


def slow(events: list[Event], *, timesteps: int, by: str, size: tuple[int, int]) -> np.ndarray:
    """Look for the window of each event, and count up to 255."""
    found = np.zeros((timesteps, 2, *size), np.uint8)
    first, last = events[0][2], events[-1][2]
    length = Fraction(last - first + 1, timesteps) if by == "time" else Fraction(len(events), timesteps)
    for number, (x, y, t, p) in enumerate(events):
        since = t - first if by == "time" else number
        window = next(w for w in range(timesteps) if w * length <= since < (w + 1) * length)
        row, column = floor(Fraction(y * size[0], SENSOR[0])), floor(Fraction(x * size[1], SENSOR[1]))
        if found[window, int(p), row, column] < 255:
            found[window, int(p), row, column] += 1
    return found


@given(
    events=events_within(SENSOR, last=50),
    timesteps=st.integers(1, 9),
    by=st.sampled_from(["time", "count"]),
    size=st.tuples(st.integers(1, SENSOR[0]), st.integers(1, SENSOR[1])),
)
@example(events=[(0, 0, 7, True)], timesteps=4, by="time", size=SENSOR)
@example(events=[(0, 0, 7, True), (1, 1, 7, False)], timesteps=4, by="count", size=(3, 3))
def test_frames_are_those_of_the_loop(events: list[Event], timesteps: int, by: str, size: tuple[int, int]) -> None:
    got = frames(recording(events), timesteps=timesteps, by=by, size=size)  # type: ignore[arg-type]
    assert got.dtype == np.uint8
    assert np.array_equal(got, slow(events, timesteps=timesteps, by=by, size=size))
    assert got.sum() == len(events)


def test_times_may_be_large_and_of_any_origin() -> None:
    events = some_events(200, sensor=SENSOR)
    later = [(x, y, t * 1000 + 1_600_000_000_000_000, p) for x, y, t, p in events]
    got = frames(recording(later), timesteps=7)
    assert np.array_equal(got, slow(later, timesteps=7, by="time", size=SENSOR))


def test_the_sensor_s_size_is_kept_where_none_is_given() -> None:
    assert frames(recording(some_events(5, sensor=SENSOR)), timesteps=3).shape == (3, 2, *SENSOR)


@pytest.mark.parametrize("count", [254, 255, 256, 700])
def test_counts_stop_at_255(count: int) -> None:
    got = frames(recording([(3, 2, 0, True)] * count), timesteps=1)
    assert got[0, 1, 2, 3] == min(count, 255)
    assert got.sum() == min(count, 255)


def test_128_pixels_become_48_in_blocks_of_two_or_three() -> None:
    everywhere = [(x, 0, 0, False) for x in range(128)]
    got = frames(recording(everywhere, sensor=(1, 128)), timesteps=1, size=(1, 48))[0, 0, 0]
    assert set(got.tolist()) == {2, 3}
    assert got.sum() == 128


def tonic_frames(events: list[Event], **bins: int) -> np.ndarray:
    transforms = pytest.importorskip("tonic.transforms")
    structured = np.array(events, dtype=[("x", int), ("y", int), ("t", int), ("p", int)])
    return transforms.ToFrame(sensor_size=(SENSOR[1], SENSOR[0], 2), **bins)(structured)


@pytest.mark.parametrize("timesteps", [1, 4, 5])
def test_by_count_tonic_makes_the_same_where_nothing_remains(timesteps: int) -> None:
    events = some_events(20 * timesteps, sensor=SENSOR)
    got = frames(recording(events), timesteps=timesteps, by="count")
    assert np.array_equal(got, tonic_frames(events, n_event_bins=timesteps))


def test_tonic_leaves_events_out_and_this_does_not() -> None:
    events = some_events(23, sensor=SENSOR)
    assert tonic_frames(events, n_event_bins=5).sum() == 20
    assert tonic_frames(events, n_time_bins=5).sum() < 23
    assert frames(recording(events), timesteps=5, by="count").sum() == 23
    assert frames(recording(events), timesteps=5, by="time").sum() == 23


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"timesteps": 0}, "timesteps is 0: it must be 1 or more"),
        ({"timesteps": 2, "by": "colour"}, "no windows by 'colour': choose time or count"),
        ({"timesteps": 2, "size": (7, 9)}, r"size is \(7, 9\), the sensor of r has 6x9 pixels"),
        ({"timesteps": 2, "size": (6, 10)}, r"size is \(6, 10\)"),
        ({"timesteps": 2, "size": (0, 9)}, r"size is \(0, 9\)"),
        ({"timesteps": 2, "size": (6,)}, r"size is \(6,\)"),
    ],
)
def test_impossible_frames_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(BadSetting, match=message):
        frames(recording([(0, 0, 0, True)]), **settings)
