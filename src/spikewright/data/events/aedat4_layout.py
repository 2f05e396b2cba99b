"""Whether an AEDAT 4.0 file can be what its header and its packets say, before a compiled decoder follows them.

That decoder checks neither offsets nor text, and where they lie it prints lines of its own, or ends the process.

Source: iniVation, "AEDAT 4.0": a line of text, the header's size, then a FlatBuffers table of compression, position of
a table of packets, and an XML text about the streams. Packets follow: a stream's number, a size, so many bytes.
"""

import os
import struct
from pathlib import Path
from typing import BinaryIO

from spikewright.errors import BadFile

MOST_BYTES = 1 << 24  # of a header, which holds a few kilobytes
PACKETS, ABOUT = 1, 2  # the fields of the table that are the position of a table of packets, and the text
LEAST_PACKET = 12  # bytes: a size, an offset and an identifier


def require_layout(file: Path) -> None:
    """Follow every offset of the header, read its text, and go from packet to packet.

    Raises:
        BadFile: the header is cut short, points out of itself, or its text is not UTF-8; a packet of no such size.
    """
    with file.open("rb") as stream:
        try:
            header = _header(stream)
            _ = _text(header).decode()
            _require_packets(stream, _position(header))
        except (ValueError, struct.error) as error:
            raise BadFile(f"{file}: cannot be read ({error}): it is cut short or damaged: copy it again") from None


def _require_packets(stream: BinaryIO, table: int) -> None:
    """To the end of the file, or to the `table` of packets, if there is one (-1: none)."""
    size = os.fstat(stream.fileno()).st_size
    end, at = (table if 0 <= table <= size else size), stream.tell()
    while at < end:
        _, length = struct.unpack("<ii", stream.read(8))
        if length < LEAST_PACKET:
            raise ValueError(f"the packet at byte {at:,} has {length:,} bytes")
        at = stream.seek(at + 8 + length)


def _header(stream: BinaryIO) -> bytes:
    _ = stream.readline(64)
    (size,) = struct.unpack("<I", stream.read(4))
    if not 8 <= size <= MOST_BYTES:
        raise ValueError(f"it has {size:,} bytes")
    content = stream.read(size)
    if len(content) != size:
        raise ValueError(f"{len(content):,} of {size:,} bytes are there")
    return content


def _text(content: bytes) -> bytes:
    """The text about the streams; empty: there is none."""
    table = _whole("<I", content, 0)
    fields = table - _whole("<i", content, table)
    size = _whole("<H", content, fields)
    for number in range((size - 4) // 2):
        _within(content, table + _whole("<H", content, fields + 4 + 2 * number))
    start = _field(content, ABOUT)
    if start is None:
        return b""
    start += _whole("<I", content, start)
    length = _whole("<I", content, start)
    _within(content, start + 4 + length)
    return content[start + 4 : start + 4 + length]


def _position(content: bytes) -> int:
    start = _field(content, PACKETS)
    return -1 if start is None else _whole("<q", content, start)


def _field(content: bytes, number: int) -> int | None:
    """Where a field of the table starts; None: it has not got it."""
    table = _whole("<I", content, 0)
    fields = table - _whole("<i", content, table)
    place = 4 + 2 * number
    offset = _whole("<H", content, fields + place) if _whole("<H", content, fields) > place else 0
    return table + offset if offset else None


def _whole(form: str, content: bytes, at: int) -> int:
    _within(content, at)
    return struct.unpack_from(form, content, at)[0]


def _within(content: bytes, at: int) -> None:
    if not 0 <= at < len(content):
        raise ValueError(f"it points to byte {at:,} of {len(content):,}")
