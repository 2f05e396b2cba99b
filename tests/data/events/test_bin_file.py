"""N-MNIST's format: what is written is read, restarts of the clock are followed, cut files are refused."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given

from data.events.reading import events_of
from data.events.writing import Event, bin_bytes, events_within, some_events, write
from spikewright.data.events.bin_file import read_bin
from spikewright.errors import BadData, BadFile

pytest.importorskip("tonic")
SENSOR = (34, 34)
RESTART = 240  # the row that says that the clock started again


@given(events=events_within(SENSOR, last=2**23 - 1))
def test_events_come_back_as_written(events: list[Event]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        read = read_bin(write(Path(folder) / "1.bin", bin_bytes(events)))
    assert events_of(read) == events
    assert read.sensor == SENSOR


def test_a_restart_is_no_event_and_moves_what_follows(tmp_path: Path) -> None:
    events = some_events(12, sensor=SENSOR, last=100)
    stream, wanted, restarts = [], [], 0
    for number, (x, y, t, p) in enumerate(events):
        if number in (4, 9):
            stream.append((0, RESTART, 0, False))
            restarts += 1
        stream.append((x, y, t, p))
        wanted.append((x, y, t + restarts * 8192, p))
    assert events_of(read_bin(write(tmp_path / "1.bin", bin_bytes(stream)))) == wanted


@pytest.mark.parametrize("lost", [1, 2, 3, 4])
def test_a_file_cut_within_an_event_is_refused(tmp_path: Path, lost: int) -> None:
    content = bin_bytes(some_events(9, sensor=SENSOR))
    file = write(tmp_path / "1.bin", content[:-lost])
    with pytest.raises(BadFile, match=rf"1\.bin: {45 - lost} bytes are no whole number of events of 5") as caught:
        read_bin(file)
    assert "\n" not in str(caught.value)


def test_an_empty_file_holds_no_events(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"1\.bin: no events"):
        read_bin(write(tmp_path / "1.bin", b""))


def test_events_outside_the_sensor_are_refused_unless_another_is_given(tmp_path: Path) -> None:
    file = write(tmp_path / "1.bin", bin_bytes([(3, 3, 0, True), (34, 2, 5, True)]))
    with pytest.raises(BadData, match=r"1\.bin: event 1 is at x = 34, y = 2, outside the sensor of 34x34"):
        read_bin(file)
    assert len(read_bin(file, sensor=(180, 240))) == 2
