"""Counts of what was noticed, with the first file of each."""

import numpy as np

from spikewright.data.events.notes import Notes
from spikewright.data.events.recording import Recording


def recording(where: str, x: list[int], t: list[int]) -> Recording:
    n = len(x)
    return Recording(
        x=np.array(x, np.int16),
        y=np.zeros(n, np.int16),
        t=np.array(t),
        p=np.ones(n, bool),
        sensor=(1, 4),
        where=where,
        stray="drop",
    )


def test_nothing_is_said_of_recordings_that_are_right() -> None:
    notes = Notes()
    notes.of_recording(recording("a", [0, 1], [0, 5]))
    notes.of_frames(np.array([1, 0], np.uint8).reshape(2, 1, 1, 1), "a")
    assert notes.lines == ()


def test_each_is_counted_and_the_first_named() -> None:
    notes = Notes()
    for where, x, t in (("a", [0, 1], [0, 5]), ("b", [4, 5, 1], [0, 5, 4]), ("c", [1, -1, 2], [9, 8, 7])):
        notes.of_recording(recording(where, x, t))
    for where, counts in (("a", [1, 1, 1]), ("b", [1, 0, 0]), ("c", [0, 0, 2])):
        notes.of_frames(np.array(counts, np.uint8).reshape(3, 1, 1, 1), where)
    dropped, back, sparse = notes.lines
    assert dropped == "3 events outside the sensor were dropped, of 2 recordings (first b)"
    assert back == "times step back at 1 events of 1 recordings, by up to 2 µs, and were put in order (first c)"
    assert sparse.startswith("2 of 3 recordings leave more than half of their frames empty (first b, 2 of 3): ")
    assert "--time-unit" in sparse
