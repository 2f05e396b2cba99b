"""Read `.aedat` and `.aedat4` recordings: look at the version in the header, and hand on to its reader.

Every version starts with lines of text that begin with `#`, the first of them `#!AER-DAT2.0`, `3.1` or `4.0`.

Source: iniVation, "AEDAT file formats".
"""

from pathlib import Path

from spikewright.data.events.aedat2 import read_aedat2
from spikewright.data.events.aedat3 import read_aedat3
from spikewright.data.events.aedat4 import read_aedat4
from spikewright.data.events.recording import Recording
from spikewright.data.events.recording_settings import Stray
from spikewright.errors import BadFile

VERSION = b"#!AER-DAT"
READERS = {b"2.0": read_aedat2, b"3.1": read_aedat3, b"4.0": read_aedat4}


def read_aedat(file: Path, *, sensor: tuple[int, int] | None = None, stray: Stray = "refuse") -> Recording:
    """Read a recording of version 2.0, 3.1 or 4.0.

    Args:
        file: the recording.
        sensor: (height, width); None takes 128x128, or what a file of version 4 says of itself.
        stray: whether events outside it are refused or dropped.

    Raises:
        BadFile: no header, another version, or cut short.
        BadData: no events, or one outside the sensor.
        BadSetting: what reads this version is not installed.

    """
    with file.open("rb") as stream:
        first = stream.readline(64).rstrip()
    if not first.startswith(VERSION):
        raise BadFile(f"{file}: does not start with {VERSION.decode()}: it is no AEDAT file: copy it again")
    version = first.removeprefix(VERSION)
    if version not in READERS:
        known = ", ".join(sorted(name.decode() for name in READERS))
        raise BadFile(
            f"{file}: AEDAT version {version.decode(errors='replace')} is not read, only {known}: convert the file"
        )
    return READERS[version](file, sensor=sensor, stray=stray)
