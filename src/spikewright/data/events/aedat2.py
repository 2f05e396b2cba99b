"""Read AEDAT 2.0 recordings of a 128x128 camera, such as CIFAR10-DVS, through `tonic.io.get_aer_events_from_file`.

After the header each event is an address and a time in microseconds, 32 bits each, most significant byte first:

    bit 0: 0 where it became brighter · bits 1–7: 127 − row · bits 8–14: 127 − column · bit 15: not of a pixel

So the pictures of CIFAR10-DVS are read as others read them. (The camera lay on its side: its own x is our row.)
`tonic.io.read_dvs_128` takes the same bits but neither mirrors nor inverts them, a picture turned by 180° with the
polarities exchanged; in tonic 1.6 and 1.7 it ends with an error. The header is read here: tonic's takes every line
that happens to start like one, and the version from a fixed column.

Source: Li et al., "CIFAR10-DVS: an event-stream dataset for object classification", Frontiers in Neuroscience 11
(2017); iniVation, "AEDAT 2.0".
"""

from pathlib import Path

import numpy as np

from spikewright.data.events.recording import Recording
from spikewright.data.events.recording_settings import Stray
from spikewright.data.events.through_tonic import reader
from spikewright.errors import BadData, BadFile

SENSOR = (128, 128)
EVENT_BYTES = 8
LAST = 127  # row and column count down from it
ADDRESS_BITS = 16
EXTERNAL = 1 << 15  # an event at the camera's input pin


def read_aedat2(file: Path, *, sensor: tuple[int, int] | None = None, stray: Stray = "refuse") -> Recording:
    """Read a recording of version 2.0; times may have any origin.

    Raises:
        BadFile: not a whole number of events.
        BadData: no events of pixels, or an address that a camera of 128x128 pixels does not have.
        BadSetting: tonic is not installed.

    """
    if sensor not in (None, SENSOR):
        raise BadData(f"{file}: AEDAT 2.0 is read for a sensor of 128x128 only, not {sensor}: leave out --sensor")
    start = _header_bytes(file)
    rest = file.stat().st_size - start
    if rest % EVENT_BYTES:
        raise BadFile(
            f"{file}: {rest} bytes after the header are no whole number of events of {EVENT_BYTES}: it is cut short: "
            "copy it again"
        )
    events = reader("get_aer_events_from_file", file=file)(str(file), 2.0, start)
    address = events["address"].astype(np.int64)
    foreign = address >= 1 << ADDRESS_BITS
    if foreign.any():
        row = int(np.argmax(foreign))
        raise BadData(
            f"{file}: event {row} has the address {address[row]}, beyond {ADDRESS_BITS} bits: the file is damaged, or "
            "of a camera that is not 128x128: convert it to .aedat4 or .npy"
        )
    pixels = (address & EXTERNAL) == 0
    address = address[pixels]
    return Recording(
        x=(LAST - (address >> 8 & LAST)).astype(np.int16),
        y=(LAST - (address >> 1 & LAST)).astype(np.int16),
        # the format's integers are signed, tonic reads them as not
        t=events["timeStamp"][pixels].astype(np.uint32).view(np.int32).astype(np.int64),
        p=(address & 1) == 0,
        sensor=SENSOR,
        where=str(file),
        stray=stray,
    )


def _header_bytes(file: Path) -> int:
    """Length of the lines that start with `#`; an address of 128x128 pixels never does, its first byte is 0."""
    start = 0
    with file.open("rb") as stream:
        for line in stream:
            if not line.startswith(b"#"):
                break
            start += len(line)
    return start
