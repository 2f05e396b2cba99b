"""Write recordings in the formats that cameras and their archives use, from what is published about them.

Events are lists of (x, y, t, p), t in microseconds, p True where it became brighter. Nothing of the package is used.
"""

import struct
from pathlib import Path

import numpy as np
from hypothesis import strategies

Event = tuple[int, int, int, bool]
AEDAT2 = b"#!AER-DAT2.0\r\n# Data format is int32 address, int32 timestamp (8 bytes total)\r\n# created Thu Dec 03\r\n"
AEDAT3 = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#Start-Time: 2016-05-13 16:12:36 (TZ+0200)\r\n"
END = b"#!END-HEADER\r\n"
POLARITY, SPECIAL = 1, 0


def some_events(count: int, *, sensor: tuple[int, int], seed: int = 0, last: int = 300_000) -> list[Event]:
    """Make random events in the order of time, the same in every run."""
    random = np.random.default_rng(seed)
    times = np.sort(random.integers(0, last, count))
    height, width = sensor
    rows, columns = random.integers(0, height, count), random.integers(0, width, count)
    return [
        (int(x), int(y), int(t), bool(p))
        for x, y, t, p in zip(columns, rows, times, random.integers(0, 2, count), strict=True)
    ]


def events_within(sensor: tuple[int, int], *, last: int, most: int = 40) -> strategies.SearchStrategy[list[Event]]:
    """Any events in the order of time."""
    height, width = sensor
    one = strategies.tuples(
        strategies.integers(0, width - 1),
        strategies.integers(0, height - 1),
        strategies.integers(0, last),
        strategies.booleans(),
    )
    return strategies.lists(one, min_size=1, max_size=most).map(lambda found: sorted(found, key=lambda event: event[2]))


def bin_bytes(events: list[Event]) -> bytes:
    """N-MNIST: x, y, then polarity and 23 bits of time."""
    return b"".join(
        struct.pack(">BBB", x, y, p << 7 | t >> 16) + struct.pack(">H", t & 0xFFFF) for x, y, t, p in events
    )


def aedat2_bytes(events: list[Event], *, header: bytes = AEDAT2) -> bytes:
    """128x128, big-endian: bits 8 to 14 and 1 to 7 count columns and rows from the far end, bit 0 is 0 for brighter."""
    return header + b"".join(
        struct.pack(">Ii", (127 - x) << 8 | (127 - y) << 1 | (0 if p else 1), t) for x, y, t, p in events
    )


def aedat3_packet(
    events: list[Event], *, kind: int = POLARITY, valid: bool = True, overflow: int = 0, spare: int = 0
) -> bytes:
    """One packet, little-endian; `spare` places at its end are reserved but not used."""
    count = len(events)
    head = struct.pack("<hhiiiiii", kind, 1, 8, 4, overflow, count + spare, count, count if valid else 0)
    body = b"".join(struct.pack("<II", x << 17 | y << 2 | p << 1 | valid, t) for x, y, t, p in events)
    return head + body + b"\xff" * 8 * spare


def aedat3_bytes(events: list[Event], *, packet: int = 7) -> bytes:
    """A file of packets of pixels."""
    parts = [events[start : start + packet] for start in range(0, len(events), packet)]
    return AEDAT3 + END + b"".join(aedat3_packet(part) for part in parts)


def aedat4_bytes(events: list[Event], *, sensor: tuple[int, int], packet: int = 7, kind: str = "EVTS") -> bytes:
    """Flat buffers without compression and without a table of packets; the header holds XML about the stream."""
    height, width = sensor
    path = "/mainloop/Recorder/outInfo/"
    xml = (
        f'<dv version="2.0"><node name="outInfo" path="{path}"><node name="0" path="{path}0/">'
        f'<attr key="compression" type="string">NONE</attr><attr key="typeIdentifier" type="string">{kind}</attr>'
        f'<node name="info" path="{path}0/info/"><attr key="sizeX" type="int">{width}</attr>'
        f'<attr key="sizeY" type="int">{height}</attr></node></node></node></dv>'
    ).encode()
    # root, identifier, table of offsets (10 bytes, padded), then the table: −1 says that no table of packets follows
    head = struct.pack("<I4s5H2x", 20, b"IOHE", 10, 20, 12, 4, 16)
    head += struct.pack("<iqiI", 12, -1, 0, 4) + struct.pack("<I", len(xml)) + xml + b"\0"
    head += b"\0" * (-len(head) % 4)
    content = b"#!AER-DAT4.0\r\n" + struct.pack("<I", len(head)) + head
    for start in range(0, len(events), packet):
        part = events[start : start + packet]
        body = struct.pack("<I4s3H2x", 16, b"EVTS", 6, 8, 4) + struct.pack("<iI4xI", 8, 8, len(part))
        body += b"".join(struct.pack("<qhhB3x", t, x, y, p) for x, y, t, p in part)
        content += struct.pack("<iiI", 0, len(body) + 4, len(body)) + body
    return content


def write(file: Path, content: bytes) -> Path:
    """Write a file, and the folders it lies in."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def write_npy(file: Path, events: list[Event]) -> Path:
    """tonic's copy of DVS-Gesture: a table of x, y, p, t with t in milliseconds."""
    file.parent.mkdir(parents=True, exist_ok=True)
    np.save(file, np.array([(x, y, p, t / 1000) for x, y, t, p in events], dtype=np.float64).reshape(-1, 4))
    return file
