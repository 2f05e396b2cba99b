"""tonic's arrays: the table of DVS-Gesture in milliseconds, structured events in microseconds."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from data.events.reading import events_of
from data.events.writing import Event, events_within, some_events, write, write_npy
from spikewright.data.events.npy_file import read_npy
from spikewright.errors import BadData, BadFile

SENSOR = (128, 128)
FIELDS = [("t", np.int64), ("x", np.uint16), ("y", np.uint16), ("p", bool)]


@given(events=events_within(SENSOR, last=10**9))
def test_a_table_comes_back_as_written(events: list[Event]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        read = read_npy(write_npy(Path(folder) / "0.npy", events))
    assert events_of(read) == events
    assert read.sensor == SENSOR


@pytest.mark.parametrize("dtype", [np.int16, np.uint32, np.int64, np.float32])
def test_a_table_may_be_of_any_number_type(tmp_path: Path, dtype: type) -> None:
    np.save(tmp_path / "0.npy", np.array([(1, 2, 0, 100), (127, 0, 1, 30_000)], dtype=dtype))
    assert events_of(read_npy(tmp_path / "0.npy")) == [(1, 2, 100_000, False), (127, 0, 30_000_000, True)]


def test_structured_events_are_in_microseconds(tmp_path: Path) -> None:
    events = some_events(20, sensor=SENSOR)
    np.save(tmp_path / "e.npy", np.array([(t, x, y, p) for x, y, t, p in events], dtype=FIELDS))
    assert events_of(read_npy(tmp_path / "e.npy")) == events


def test_tonic_reads_its_table_alike(tmp_path: Path) -> None:
    tonic = pytest.importorskip("tonic.datasets")
    events = some_events(30, sensor=SENSOR)
    file = write_npy(tmp_path / "3.npy", events)
    data = object.__new__(tonic.DVSGesture)  # its __init__ would download
    data.data, data.targets = [str(file)], [3]
    data.transform = data.target_transform = data.transforms = None
    theirs, _ = data[0]
    read = read_npy(file)
    for name in ("x", "y", "t", "p"):
        assert np.array_equal(getattr(read, name), theirs[name])


@pytest.mark.parametrize("lost", [1, 60, 250])
def test_a_cut_file_is_refused(tmp_path: Path, lost: int) -> None:
    file = write_npy(tmp_path / "0.npy", some_events(4, sensor=SENSOR))
    file.write_bytes(file.read_bytes()[:-lost])
    with pytest.raises(BadFile, match=r"0\.npy: not a whole \.npy file") as caught:
        read_npy(file)
    assert "\n" not in str(caught.value)


def test_what_is_no_npy_file_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"no array"):
        with pytest.raises(BadFile, match=r"not a whole \.npy file"):
            read_npy(write(tmp_path / "0.npy", content))
    np.save(tmp_path / "o.npy", np.array([{}], dtype=object))
    with pytest.raises(BadFile, match=r"not a whole \.npy file"):  # nothing in a file is executed
        read_npy(tmp_path / "o.npy")


@pytest.mark.parametrize("array", [np.zeros((3, 5)), np.zeros(4), np.zeros(2, [("x", int), ("y", int)]), np.array("a")])
def test_other_arrays_are_refused(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "0.npy", array)
    with pytest.raises(BadFile, match=r"of shape .*: give a table \[n, 4\] of x, y, p and t in milliseconds"):
        read_npy(tmp_path / "0.npy")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((0.5, 0, 0, 0), "event 1 has x = 0.5: it must be a whole number from 0 to 32767"),
        ((0, -1, 0, 0), "event 1 has y = -1: "),
        ((0, 0, 2, 0), "event 1 has p = 2: it must be a whole number from 0 to 1"),
        ((np.nan, 0, 0, 0), "event 1 has x = nan"),
        ((0, 0, 0, np.nan), "event 1 has t = nan: it must be finite"),
        ((1e9, 0, 0, 0), r"event 1 has x = 1000000000\.0"),
        ((128, 0, 0, 0), "event 1 is at x = 128, y = 0, outside the sensor"),
    ],
)
def test_impossible_values_are_named(tmp_path: Path, row: tuple[float, ...], message: str) -> None:
    np.save(tmp_path / "0.npy", np.array([(0, 0, 0, 0), row]))
    with pytest.raises(BadData, match=message):
        read_npy(tmp_path / "0.npy")


def test_a_table_without_rows_holds_no_events(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"0\.npy: no events"):
        read_npy(write_npy(tmp_path / "0.npy", []))
