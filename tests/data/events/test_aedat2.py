"""AEDAT 2.0 of a 128x128 camera: what is written is read; tonic's bits are ours turned and inverted."""

import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import given

from data.events.reading import events_of
from data.events.writing import AEDAT2, Event, aedat2_bytes, events_within, some_events, write
from spikewright.data.events.aedat2 import read_aedat2
from spikewright.errors import BadData, BadFile

tonic = pytest.importorskip("tonic.io")
SENSOR = (128, 128)
EVENTS = some_events(50, sensor=SENSOR)


@given(events=events_within(SENSOR, last=2**31 - 1))
def test_events_come_back_as_written(events: list[Event]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        read = read_aedat2(write(Path(folder) / "a.aedat", aedat2_bytes(events)))
    assert events_of(read) == events
    assert read.sensor == SENSOR


def test_the_layout_is_that_of_the_published_bits(tmp_path: Path) -> None:
    # by hand: bits 8 to 14 hold 3, bits 1 to 7 hold 127, bit 0 is set: column 124, row 0, darker
    address = 0b0000_0011_1111_1111
    read = read_aedat2(write(tmp_path / "a.aedat", AEDAT2 + struct.pack(">II", address, 77)))
    assert events_of(read) == [(124, 0, 77, False)]


def test_tonic_s_own_bits_are_turned_by_half_and_inverted(tmp_path: Path) -> None:
    file = write(tmp_path / "a.aedat", aedat2_bytes(EVENTS))
    raw = tonic.get_aer_events_from_file(str(file), 2.0, len(AEDAT2))["address"]
    # the expressions of tonic.io.read_dvs_128, which cannot be called in tonic 1.6 and 1.7
    theirs = list(zip((raw >> 8 & 0x7F).tolist(), (raw >> 1 & 0x7F).tolist(), (raw & 1).tolist(), strict=True))
    assert theirs == [(127 - x, 127 - y, 1 - p) for x, y, _, p in events_of(read_aedat2(file))]


def test_times_are_signed(tmp_path: Path) -> None:
    events = [(1, 2, -5, True), (3, 4, 6, False)]
    assert events_of(read_aedat2(write(tmp_path / "a.aedat", aedat2_bytes(events)))) == events


def test_events_of_the_input_pin_are_left_out(tmp_path: Path) -> None:
    pin = struct.pack(">II", 1 << 15, 3)
    read = read_aedat2(write(tmp_path / "a.aedat", aedat2_bytes(EVENTS[:2]) + pin))
    assert events_of(read) == EVENTS[:2]


@pytest.mark.parametrize("lost", [1, 4, 7])
def test_a_file_cut_within_an_event_is_refused(tmp_path: Path, lost: int) -> None:
    file = write(tmp_path / "a.aedat", aedat2_bytes(EVENTS)[:-lost])
    with pytest.raises(BadFile, match=rf"a\.aedat: {400 - lost} bytes after the header are no whole number of events"):
        read_aedat2(file)


def test_a_file_that_ends_with_its_header_holds_no_events(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"a\.aedat: no events"):
        read_aedat2(write(tmp_path / "a.aedat", AEDAT2))


def test_another_camera_is_refused(tmp_path: Path) -> None:
    davis = struct.pack(">II", 100 << 22 | 50 << 12, 5)
    with pytest.raises(BadData, match=r"event 50 has the address .*, beyond 16 bits: the file is damaged, or of"):
        read_aedat2(write(tmp_path / "a.aedat", aedat2_bytes(EVENTS) + davis))
    with pytest.raises(BadData, match=r"for a sensor of 128x128 only, not \(180, 240\)"):
        read_aedat2(tmp_path / "a.aedat", sensor=(180, 240))
