"""AEDAT 3.1: packets of pixels come back as written, other packets are skipped, damage is named."""

import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.events.reading import events_of
from data.events.writing import (
    AEDAT3,
    END,
    SPECIAL,
    Event,
    aedat3_bytes,
    aedat3_packet,
    events_within,
    some_events,
    write,
)
from spikewright.data.events.aedat3 import read_aedat3
from spikewright.errors import BadData, BadFile

SENSOR = (128, 128)
EVENTS = some_events(30, sensor=SENSOR)
HEADER = AEDAT3 + END


@given(events=events_within(SENSOR, last=2**31 - 1), packet=st.integers(1, 50))
def test_events_come_back_as_written(events: list[Event], packet: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        read = read_aedat3(write(Path(folder) / "a.aedat", aedat3_bytes(events, packet=packet)))
    assert events_of(read) == events
    assert read.sensor == SENSOR


def test_tonic_reads_the_same_where_all_packets_are_of_pixels(tmp_path: Path) -> None:
    tonic = pytest.importorskip("tonic.io")
    file = write(tmp_path / "a.aedat", aedat3_bytes(EVENTS))
    raw = tonic.get_aer_events_from_file(str(file), 3.1, len(HEADER))
    read = read_aedat3(file)
    # the expressions of tonic.io.read_dvs_ibm, which cannot be called in tonic 1.6 and 1.7
    assert np.array_equal(read.x, raw["address"] >> 17 & 0x1FFF)
    assert np.array_equal(read.y, raw["address"] >> 2 & 0x1FFF)
    assert np.array_equal(read.p, raw["address"] >> 1 & 1)
    assert np.array_equal(read.t, raw["timeStamp"])


def test_only_valid_events_of_pixels_are_taken(tmp_path: Path) -> None:
    content = (
        HEADER
        + aedat3_packet(EVENTS[:3], kind=SPECIAL)
        + aedat3_packet(EVENTS[3:9], spare=4)
        + aedat3_packet(EVENTS[9:12], valid=False)
        + aedat3_packet(EVENTS[12:])
    )
    assert events_of(read_aedat3(write(tmp_path / "a.aedat", content))) == EVENTS[3:9] + EVENTS[12:]


def test_the_clock_s_overflow_is_counted(tmp_path: Path) -> None:
    content = HEADER + aedat3_packet(EVENTS[:5]) + aedat3_packet(EVENTS[:5], overflow=2)
    later = [(x, y, t + 2 * 2**31, p) for x, y, t, p in EVENTS[:5]]
    assert events_of(read_aedat3(write(tmp_path / "a.aedat", content))) == EVENTS[:5] + later


def test_a_cut_anywhere_but_between_packets_is_refused(tmp_path: Path) -> None:
    content = aedat3_bytes(EVENTS, packet=20)
    between = {len(HEADER), len(HEADER) + 28 + 20 * 8}
    for length in range(len(content)):
        if length not in between:
            with pytest.raises(BadFile, match=r"a\.aedat: (ends within|the header has no end)"):
                read_aedat3(write(tmp_path / "a.aedat", content[:length]))


@pytest.mark.parametrize("content", [b"", aedat3_packet(EVENTS[:3], kind=SPECIAL), aedat3_packet([])])
def test_a_file_without_events_of_pixels_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadData, match=r"a\.aedat: no events"):
        read_aedat3(write(tmp_path / "a.aedat", HEADER + content))


@pytest.mark.parametrize(
    "head", [(-1, 1, 8, 4, 0, 1, 1, 1), (1, 1, 0, 4, 0, 1, 1, 1), (1, 1, 8, 4, 0, 1, 2, 1), (1, 1, 36, 4, 0, 1, 1, 1),
             (1, 1, 8, 4, -1, 1, 1, 1), (1, 1, 8, 4, 0, 1, -1, 1)]
)  # fmt: skip
def test_a_header_that_cannot_be_is_named(tmp_path: Path, head: tuple[int, ...]) -> None:
    content = HEADER + struct.pack("<hhiiiiii", *head) + bytes(64)
    with pytest.raises(BadFile, match=rf"at byte {len(HEADER)} is no header of a packet \(type {head[0]},") as caught:
        read_aedat3(write(tmp_path / "a.aedat", content))
    assert "\n" not in str(caught.value)


def test_an_event_outside_the_sensor_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "a.aedat", HEADER + aedat3_packet([(5, 200, 1, True)]))
    with pytest.raises(BadData, match="event 0 is at x = 5, y = 200, outside the sensor of 128x128"):
        read_aedat3(file)
    assert events_of(read_aedat3(file, sensor=(260, 346))) == [(5, 200, 1, True)]
