"""Read AEDAT 3.1 recordings, such as the original DVS-Gesture: packets of events, each with a header of 28 bytes.

    packet: type (16 bits), source (16), event size, time offset, overflow, capacity, number, valid (32 bits each)
    event of a pixel (type 1): address (32 bits), microseconds (32)
    address: bit 0: valid · bit 1: 1 where it became brighter · bits 2–16: row · bits 17–31: column

All integers are signed, least significant byte first. A time is overflow · 2³¹ + microseconds. Packets of other types
(the camera's clock, its motion) and events that are not valid are left out.

tonic reads such files by `tonic.io.get_aer_events_from_file`, but takes every packet for events of pixels, leaves out
the overflow, and does not notice when a file ends within a packet; so they are read here. (`tonic.io.read_dvs_ibm`,
which decodes the address, ends with an error in tonic 1.6 and 1.7.) On files of valid events of pixels the two are
equal.

Source: iniVation, "AEDAT 3.1".
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spikewright.data.events.recording import Recording
from spikewright.data.events.recording_settings import Stray
from spikewright.errors import BadFile

SENSOR = (128, 128)
END = b"#!END-HEADER\r\n"
PACKET = struct.Struct("<hhiiiiii")
POLARITY = 1  # the type of packets that hold events of pixels
EVENT = np.dtype([("address", "<u4"), ("time", "<u4")])
COORDINATE = 0x7FFF  # 15 bits


def read_aedat3(file: Path, *, sensor: tuple[int, int] | None = None, stray: Stray = "refuse") -> Recording:
    """Read a recording of version 3.1; the sensor is DVS-Gesture's, 128x128, unless another is given.

    Raises:
        BadFile: the header has no end, a packet's numbers cannot be, or the file ends within one.
        BadData: no events, or one outside the sensor.

    """
    content = file.read_bytes()
    start = content.find(END)
    if start < 0:
        raise BadFile(f"{file}: the header has no end ({END.decode().strip()}): it is cut short: copy it again")
    parts = list(_packets(content, start + len(END), file))
    address = np.concatenate([events["address"] for events, _ in parts] or [np.zeros(0, np.uint32)])
    time = np.concatenate([events["time"].astype(np.int64) + origin for events, origin in parts] or [np.zeros(0)])
    valid = (address & 1) == 1
    address = address[valid]
    return Recording(
        x=(address >> 17 & COORDINATE).astype(np.int16),
        y=(address >> 2 & COORDINATE).astype(np.int16),
        t=time[valid].astype(np.int64),
        p=(address >> 1 & 1).astype(bool),
        sensor=sensor or SENSOR,
        where=str(file),
        stray=stray,
    )


def _packets(content: bytes, place: int, file: Path) -> Iterator[tuple[NDArray[np.void], int]]:
    """Yield the events of each packet of pixels, and the time in microseconds that theirs count from."""
    while place < len(content):
        if place + PACKET.size > len(content):
            raise BadFile(f"{file}: ends within the header of a packet, at byte {place}: copy it again")
        kind, _, size, _, overflow, capacity, number, _ = PACKET.unpack_from(content, place)
        wrong = min(kind, overflow) < 0 or size < 1 or not 0 <= number <= capacity
        if wrong or (kind == POLARITY and size != EVENT.itemsize):
            raise BadFile(
                f"{file}: at byte {place} is no header of a packet (type {kind}, {number} of {capacity} events of "
                f"{size} bytes): it is damaged: copy it again"
            )
        place += PACKET.size
        if place + capacity * size > len(content):
            raise BadFile(f"{file}: ends within a packet of {capacity} events, at byte {place}: copy it again")
        if kind == POLARITY:
            yield np.frombuffer(content, EVENT, count=number, offset=place), overflow << 31
        place += capacity * size
