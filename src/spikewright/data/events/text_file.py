"""Read `.txt` recordings: one event a line, `t x y p`, as of the Event Camera Dataset and of v2e.

Columns are separated by blanks or by commas. A first line that names them, such as `# x y p t`, puts them in another
order; other lines that start with # are left out. Whole times are microseconds, fractions need a unit: the Event
Camera Dataset has seconds.

Source: Mueggler et al., "The Event-Camera Dataset and Simulator", International Journal of Robotics Research 36 (2017).
"""

import re
from itertools import chain
from pathlib import Path

import numpy as np

from spikewright.data.events.columns import FIELDS, recording_of
from spikewright.data.events.recording import Recording
from spikewright.data.events.recording_settings import AS_THEY_ARE, RecordingSettings
from spikewright.errors import BadFile

ORDER = ("t", "x", "y", "p")
MOST_LINE = 1000  # characters of a first line


def read_txt(file: Path, *, how: RecordingSettings = AS_THEY_ARE) -> Recording:
    """Read a `.txt` file; the sensor is 128x128 unless another is given.

    Raises:
        BadFile: not text, or lines that are not four numbers.
        BadData: as `columns.recording_of`.

    """
    try:
        named, table = _table(file)
    except ValueError as error:  # what is no text is one of these too
        words = " ".join(str(error).split()) or "no details"
        raise BadFile(f"{file}: lines are not four numbers t x y p ({words}): give one event a line") from error
    if table.size == 0:
        table = table.reshape(0, len(ORDER))
    if table.shape[1] != len(ORDER):
        raise BadFile(f"{file}: has {table.shape[1]} numbers a line: give four, t x y p, one event a line")
    return recording_of(dict(zip(named or ORDER, table.T, strict=True)), how=how, usual="us", file=file)


def _table(file: Path) -> tuple[tuple[str, ...] | None, np.ndarray]:
    """Return the columns that a first line names, None where it does not, and all numbers, float64 [n, *]."""
    with file.open(encoding="utf-8") as stream:
        first = stream.readline(MOST_LINE)
        words = tuple(word.lower() for word in re.split(r"[\s,#]+", first) if word)
        named = words if sorted(words) == sorted(FIELDS) else None
        rest = [line.replace(",", " ") for line in (stream if named else chain((first,), stream))]
    used = [line for line in rest if line.partition("#")[0].strip()]
    # NumPy warns of what holds nothing
    return named, np.loadtxt(used, dtype=np.float64, ndmin=2) if used else np.zeros((0, len(ORDER)))
