"""From columns x, y, p and t, as files without a format of their own hold them, to a recording.

Knows nothing about how they lie in a file.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spikewright.data.events.clock import in_microseconds
from spikewright.data.events.recording import Recording
from spikewright.data.events.recording_settings import RecordingSettings, TimeUnit
from spikewright.errors import BadData, BadFile

SENSOR = (128, 128)
FIELDS = ("x", "y", "p", "t")
LARGEST = int(np.iinfo(np.int16).max)
OUTSIDE = -1  # of every sensor


def recording_of(
    columns: Mapping[str, NDArray[np.generic]], *, how: RecordingSettings, usual: TimeUnit, file: Path
) -> Recording:
    """Make a recording; the sensor is DVS-Gesture's, 128x128, unless another is given.

    Args:
        columns: x, y, p and t, of any kind of numbers.
        how: what is known of them.
        usual: the unit of times where `how` has none.
        file: names the recording in messages.

    Raises:
        BadFile: a column that holds no numbers, or more than one an event.
        BadData: no events, one outside the sensor, values that are no whole numbers, or times as `clock` refuses them.

    """
    for name in FIELDS:
        if columns[name].dtype.kind not in "biuf" or columns[name].ndim != 1:
            kind = f"{columns[name].dtype} of shape {columns[name].shape}"
            raise BadFile(f"{file}: {name} is {kind}: it must hold one number an event")
    return Recording(
        x=_places(columns["x"], "x", how, file),
        y=_places(columns["y"], "y", how, file),
        t=in_microseconds(columns["t"], unit=how.time_unit, usual=usual, where=str(file)),
        p=_polarities(columns["p"], how, file),
        sensor=how.sensor or SENSOR,
        where=str(file),
        stray=how.stray,
    )


def _places(values: NDArray[np.generic], name: str, how: RecordingSettings, file: Path) -> NDArray[np.int16]:
    numbers = values.astype(np.float64)
    within = (numbers >= 0) & (numbers <= LARGEST)
    if how.stray == "drop":
        # wherever it lies outside: what is beyond 16 bits must not come back in
        numbers, within = np.where(within | np.isnan(numbers), numbers, OUTSIDE), ~np.isnan(numbers)
    # NaN is not within
    _require(within & (np.floor(numbers) == numbers), values, f"a whole number from 0 to {LARGEST}", name, file)
    return numbers.astype(np.int16)


def _polarities(values: NDArray[np.generic], how: RecordingSettings, file: Path) -> NDArray[np.bool_]:
    numbers = values.astype(np.float64)
    darker = int(how.polarity.split("/", maxsplit=1)[0])
    words = "a whole number from 0 to 1" if darker == 0 else "-1 or 1"
    if darker == 0 and (np.abs(numbers) == 1).all():
        words += " (for -1 and 1 give --polarity -1/1, in Python polarity='-1/1')"
    _require((numbers == darker) | (numbers == 1), values, words, "p", file)
    return numbers == 1


def _require(good: NDArray[np.bool_], values: NDArray[np.generic], words: str, name: str, file: Path) -> None:
    if not good.all():
        row = int(np.argmin(good))
        raise BadData(f"{file}: event {row} has {name} = {values[row]}: it must be {words}: correct the file")
