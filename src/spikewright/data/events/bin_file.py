"""Read `.bin` recordings as of N-MNIST: 40 bits an event, through `tonic.io.read_mnist_file`.

    x (8 bits), y (8), polarity (1, ON is 1), microseconds (23, most significant first)

y = 240 is not an event: it says that the clock started again, after 2¹³ µs as tonic counts. Nothing in such a file
tells that it is one, nor how long it should be: what is checked is that its events are whole.

Source: Orchard et al., "Converting static image datasets to spiking neuromorphic datasets using saccades",
Frontiers in Neuroscience 9 (2015).
"""

from pathlib import Path

import numpy as np

from spikewright.data.events.recording import Recording
from spikewright.data.events.recording_settings import Stray
from spikewright.data.events.through_tonic import reader
from spikewright.errors import BadFile

SENSOR = (34, 34)
EVENT_BYTES = 5


def read_bin(file: Path, *, sensor: tuple[int, int] | None = None, stray: Stray = "refuse") -> Recording:
    """Read a `.bin` file; the sensor is N-MNIST's, 34x34, unless another is given.

    Raises:
        BadFile: not a whole number of events.
        BadData: no events, or one outside the sensor.
        BadSetting: tonic is not installed.

    """
    size = file.stat().st_size
    if size % EVENT_BYTES:
        raise BadFile(
            f"{file}: {size} bytes are no whole number of events of {EVENT_BYTES}: it is cut short, or not a "
            "recording as of N-MNIST: copy it again"
        )
    layout = np.dtype([("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", bool)])
    events = reader("read_mnist_file", file=file)(str(file), dtype=layout)
    return Recording(
        x=events["x"],
        y=events["y"],
        t=events["t"],
        p=events["p"],
        sensor=sensor or SENSOR,
        where=str(file),
        stray=stray,
    )
