"""Read `.npy` recordings as tonic keeps them: a table of x, y, p, t, or a structured array with these fields.

A table [n, 4] is how tonic's copy of DVS-Gesture lies on disk; its times are milliseconds, as
`tonic.datasets.DVSGesture` reads them. A structured array is what tonic's data sets and transforms hand out; its times
are microseconds. Either may be of another unit that is given.
"""

from pathlib import Path

import numpy as np

from spikewright.data.events.columns import FIELDS, recording_of
from spikewright.data.events.recording import Recording
from spikewright.data.events.recording_settings import AS_THEY_ARE, RecordingSettings
from spikewright.errors import BadFile


def read_npy(file: Path, *, how: RecordingSettings = AS_THEY_ARE) -> Recording:
    """Read a `.npy` file; the sensor is DVS-Gesture's, 128x128, unless another is given.

    Raises:
        BadFile: not a whole `.npy` file, or neither a table [n, 4] of numbers nor x, y, p and t.
        BadData: as `columns.recording_of`.

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
        columns = {name: array[name].reshape(-1) for name in FIELDS}
        return recording_of(columns, how=how, usual="us", file=file)
    if array.dtype.kind in "biuf" and array.ndim == 2 and array.shape[1] == len(FIELDS):
        return recording_of(dict(zip(FIELDS, array.T, strict=True)), how=how, usual="ms", file=file)
    raise BadFile(
        f"{file}: {array.dtype} of shape {array.shape}: give a table [n, 4] of x, y, p and t in milliseconds, or "
        "a structured array with these fields, t in microseconds"
    )
