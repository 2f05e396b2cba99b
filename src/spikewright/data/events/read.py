"""Read a recording by the ending of its name."""

from collections.abc import Callable
from pathlib import Path

from spikewright.data.events.aedat import read_aedat
from spikewright.data.events.bin_file import read_bin
from spikewright.data.events.npy_file import read_npy
from spikewright.data.events.npz_file import read_npz
from spikewright.data.events.recording import Recording
from spikewright.data.events.recording_settings import AS_THEY_ARE, RecordingSettings
from spikewright.data.events.text_file import read_txt
from spikewright.errors import BadFile, BadSetting

MOST_BYTES = 2**31  # of a recording, which is read whole


def _of_camera(read: Callable[..., Recording]) -> Callable[..., Recording]:
    """Read a format that says itself what its times and polarities are."""

    def checked(file: Path, *, how: RecordingSettings) -> Recording:
        if how.of_columns:
            raise BadSetting(
                f"{file}: {' and '.join(how.of_columns)} is for .npy, .npz and .txt; {file.suffix} says it itself: "
                "leave it out"
            )
        return read(file, sensor=how.sensor, stray=how.stray)

    return checked


READERS: dict[str, Callable[..., Recording]] = {
    ".aedat": _of_camera(read_aedat),
    ".aedat4": _of_camera(read_aedat),
    ".bin": _of_camera(read_bin),
    ".npy": read_npy,
    ".npz": read_npz,
    ".txt": read_txt,
}
GENERAL = (".npz", ".txt")  # endings that much else has, too
ABOUT = (
    "about",
    "readme",
    "license",
    "licence",
    "labels",
    "classes",
    "notes",
    "citation",
)  # names of text about recordings


def is_recording(file: Path) -> bool:
    """Tell by the name alone whether a file could be a recording."""
    ending, stem = file.suffix.lower(), file.stem.lower()
    if file.name.startswith(".") or (ending == ".txt" and stem.startswith(ABOUT)):
        return False
    return ending in READERS


def read_recording(file: Path, *, how: RecordingSettings = AS_THEY_ARE) -> Recording:
    """Read `.aedat` (2.0, 3.1, 4.0), `.aedat4`, `.bin` as of N-MNIST, `.npy` as of tonic, `.npz` or `.txt`.

    Args:
        file: the recording.
        how: what is known of it that the file does not say.

    Raises:
        BadFile: missing, of another format, cut short or damaged.
        BadData: no events, one outside the sensor, or times that cannot be.
        BadSetting: what reads the format is not installed, or a setting that the format does not take.

    """
    read = READERS.get(file.suffix.lower())
    if read is None:
        raise BadFile(f"{file}: no format of recordings has this ending: give one of {', '.join(READERS)}")
    try:
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise BadFile(f"{file}: has {size:,} bytes, a recording at most {MOST_BYTES:,}: cut it")
        return read(file, how=how)
    except OSError as error:
        raise BadFile(f"{file}: cannot be read ({error.strerror}): check the path") from error
