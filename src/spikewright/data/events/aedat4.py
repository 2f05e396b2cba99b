"""Read AEDAT 4.0 recordings, such as tonic's copy of CIFAR10-DVS, through `tonic.io.read_aedat4`.

tonic takes the first stream of events, and leaves the decoding to the package `aedat`, which also knows the size of
the sensor. A file that ends between two packets and has no table of them at its end is not told from a whole one.

Source: iniVation, "AEDAT 4.0".
"""

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from spikewright.data.events.aedat4_layout import require_layout
from spikewright.data.events.recording import Recording
from spikewright.data.events.recording_settings import Stray
from spikewright.data.events.through_tonic import reader
from spikewright.errors import BadFile, BadSetting

PANIC = "PanicException"  # of code written in Rust; it is no Exception, and can be imported from nowhere


def read_aedat4(file: Path, *, sensor: tuple[int, int] | None = None, stray: Stray = "refuse") -> Recording:
    """Read a recording of version 4.0; the sensor is as the file says, unless another is given.

    Raises:
        BadFile: no stream of events, cut short, or not decodable.
        BadData: no events, or one outside the sensor.
        BadSetting: tonic or aedat is not installed.

    """
    read, decoder = reader("read_aedat4", file=file), _decoder(file)
    require_layout(file)
    try:
        streams: dict[int, dict[str, Any]] = decoder(str(file)).id_to_stream()
        numbers = [number for number, stream in streams.items() if stream["type"] == "events"]
        if not numbers:
            raise BadFile(f"{file}: holds no stream of events: give a recording of an event camera")
        about = streams[min(numbers)]
        events = read(str(file))
    except BadFile:
        raise
    except BaseException as error:  # the decoder is compiled and says what it met in several types
        if not isinstance(error, Exception) and type(error).__name__ != PANIC:
            raise
        words = " ".join(str(error).split()) or type(error).__name__
        raise BadFile(
            f"{file}: cannot be decoded ({words}): it is empty, cut short or damaged: copy it again"
        ) from error
    return Recording(
        x=events["x"].astype(np.int16),
        y=events["y"].astype(np.int16),
        t=events["t"].astype(np.int64),
        p=events["on"].astype(bool),
        sensor=sensor or (int(about["height"]), int(about["width"])),
        where=str(file),
        stray=stray,
    )


def _decoder(file: Path) -> Any:
    try:
        return importlib.import_module("aedat").Decoder
    except ModuleNotFoundError as error:
        raise BadSetting(
            f"{file}: reading it takes aedat, which is not installed: pip install 'spikewright[events]'"
        ) from error
