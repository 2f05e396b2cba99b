"""Read `.npy` recordings as tonic keeps them: a table of x, y, p, t, or a structured array with these fields.

A table [n, 4] is how tonic's copy of DVS-Gesture lies on disk; its times are milliseconds, as
`tonic.datasets.DVSGesture` reads them. A structured array is what tonic's data sets and transforms hand out; its times
are microseconds.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spikewright.data.events.recording import Recording
from spikewright.errors import BadData, BadFile

SENSOR = (128, 128)
FIELDS = ("x", "y", "p", "t")
LATEST = 2**60  # microseconds, more than any clock has
MICROSECONDS = 1000  # in a millisecond


def read_npy(file: Path, *, sensor: tuple[int, int] | None = None) -> Recording:
    """Read a `.npy` file; the sensor is DVS-Gesture's, 128x128, unless another is given.

    Raises:
        BadFile: not a whole `.npy` file, or neither a table [n, 4] of numbers nor x, y, p and t.
        BadData: no events, one outside the sensor, or values that are no whole numbers.

    """
    try:
        array = np.load(file, allow_pickle=False)
    except Exception as error:  # a header is parsed as Python, and may claim any size
        words = " ".join(str(error).split()) or "no details"
        raise BadFile(f"{file}: not a whole .npy file ({words}): copy it again") from error
    if not isinstance(array, np.ndarray):
        raise BadFile(f"{file}: holds several arrays: give one table, or one structured array")
    if array.dtype.names is not None and set(FIELDS) <= set(array.dtype.names):
        for name in FIELDS:
            if array[name].dtype.kind not in "biuf":
                raise BadFile(f"{file}: field {name} is {array[name].dtype}: it must hold numbers")
        columns, scale = {name: array[name].reshape(-1) for name in FIELDS}, 1
    elif array.dtype.kind in "biuf" and array.ndim == 2 and array.shape[1] == len(FIELDS):
        columns, scale = dict(zip(FIELDS, array.T, strict=True)), MICROSECONDS
    else:
        raise BadFile(
            f"{file}: {array.dtype} of shape {array.shape}: give a table [n, 4] of x, y, p and t in milliseconds, or "
            "a structured array with these fields, t in microseconds"
        )
    return Recording(
        x=_whole(columns["x"], "x", np.iinfo(np.int16).max, file).astype(np.int16),
        y=_whole(columns["y"], "y", np.iinfo(np.int16).max, file).astype(np.int16),
        t=_times(columns["t"], scale, file),
        p=_whole(columns["p"], "p", 1, file).astype(bool),
        sensor=sensor or SENSOR,
        where=str(file),
    )


def _whole(values: NDArray[np.generic], name: str, most: int, file: Path) -> NDArray[np.generic]:
    numbers = values.astype(np.float64)
    # written so that NaN is refused as well
    good = (np.floor(numbers) == numbers) & (numbers >= 0) & (numbers <= most)
    if not good.all():
        row = int(np.argmin(good))
        raise BadData(
            f"{file}: event {row} has {name} = {values[row]}: it must be a whole number from 0 to {most}: mend the file"
        )
    return values


def _times(values: NDArray[np.generic], scale: int, file: Path) -> NDArray[np.int64]:
    # written so that NaN is refused as well
    good = np.abs(values.astype(np.float64)) <= LATEST / scale
    if not good.all():
        row = int(np.argmin(good))
        raise BadData(
            f"{file}: event {row} has t = {values[row]}: it must be finite, and no time beyond {LATEST} microseconds: "
            "mend the file"
        )
    if values.dtype.kind != "f":
        return values.astype(np.int64) * scale
    return np.rint(values.astype(np.float64) * scale).astype(np.int64)
