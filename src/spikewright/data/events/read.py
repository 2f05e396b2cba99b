"""Read a recording by the ending of its name."""

from collections.abc import Callable
from pathlib import Path

from spikewright.data.events.aedat import read_aedat
from spikewright.data.events.bin_file import read_bin
from spikewright.data.events.npy_file import read_npy
from spikewright.data.events.recording import Recording
from spikewright.errors import BadFile

MOST_BYTES = 2**31  # of a recording, which is read whole
READERS: dict[str, Callable[..., Recording]] = {
    ".aedat": read_aedat,
    ".aedat4": read_aedat,
    ".bin": read_bin,
    ".npy": read_npy,
}


def is_recording(file: Path) -> bool:
    """Tell by the name alone whether a file could be a recording."""
    return file.suffix.lower() in READERS and not file.name.startswith(".")


def read_recording(file: Path, *, sensor: tuple[int, int] | None = None) -> Recording:
    """Read `.aedat` (2.0, 3.1, 4.0), `.aedat4`, `.bin` as of N-MNIST or `.npy` as of tonic.

    Args:
        file: the recording.
        sensor: (height, width) in pixels; None takes the one that the format goes with, or that the file tells.

    Raises:
        BadFile: missing, of another format, cut short or damaged.
        BadData: no events, or one outside the sensor.
        BadSetting: what reads the format is not installed.

    """
    read = READERS.get(file.suffix.lower())
    if read is None:
        raise BadFile(f"{file}: no format of recordings has this ending: give one of {', '.join(READERS)}")
    try:
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise BadFile(f"{file}: has {size:,} bytes, a recording at most {MOST_BYTES:,}: cut it")
        return read(file, sensor=sensor)
    except OSError as error:
        raise BadFile(f"{file}: cannot be read ({error.strerror}): check the path") from error
