"""Read `.npz` recordings as SpikingJelly keeps them: arrays t, x, y and p [n], times in microseconds.

Source: SpikingJelly, `spikingjelly.datasets`, "events_np" folders, which hold such files by split and class.
"""

import zipfile
from pathlib import Path

import numpy as np

from spikewright.data.events.columns import FIELDS, recording_of
from spikewright.data.events.recording import Recording
from spikewright.data.events.recording_settings import AS_THEY_ARE, RecordingSettings
from spikewright.errors import BadFile

MOST_BYTES = 2**31  # of the arrays, unpacked


def read_npz(file: Path, *, how: RecordingSettings = AS_THEY_ARE) -> Recording:
    """Read a `.npz` file; the sensor is 128x128 unless another is given.

    Raises:
        BadFile: not a whole `.npz` file, or without x, y, p and t.
        BadData: as `columns.recording_of`.

    """
    try:
        columns, names = _columns(file)
    except (BadFile, FileNotFoundError):
        raise
    except Exception as error:  # headers are parsed as Python, and archives fail in many ways
        words = " ".join(str(error).split()) or "no details"
        raise BadFile(f"{file}: not a whole .npz file ({words}): copy it again") from error
    missing = sorted(set(FIELDS) - set(columns))
    if missing:
        raise BadFile(
            f"{file}: has no array {', '.join(missing)} among {', '.join(names) or 'none'}: give t, x, y and p, "
            "one number an event each"
        )
    return recording_of(columns, how=how, usual="us", file=file)


def _columns(file: Path) -> tuple[dict[str, np.ndarray], list[str]]:
    with zipfile.ZipFile(file) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > MOST_BYTES:
        raise BadFile(f"{file}: unpacks to {size:,} bytes, a recording at most {MOST_BYTES:,}: cut it")
    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in FIELDS if name in arrays.files}, list(arrays.files)
