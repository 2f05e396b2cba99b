"""From events to frames: how often each pixel fired in each of T windows, brighter and darker apart.

    frames[w, p, y·H'/H, x·W'/W] += 1        w = floor((t − t_first)·T / (t_last − t_first + 1))     by time
                                             w = floor(i·T / n) for event i of n                     by count

Every event is counted. `tonic.transforms.ToFrame` cuts such windows too, but rounds their length down first and
leaves out what then remains at the end: the last event always (by time), n mod T events (by count). Where nothing
remains by count the two are equal.

Knows nothing about files or classes.
"""

import numpy as np
from numpy.typing import NDArray

from spikewright.data.events.preparation import MOST, POLARITIES, Windows, require_windows
from spikewright.data.events.recording import Recording
from spikewright.errors import BadData, BadSetting

MOST_NUMBERS = 2**28  # in the frames of one recording


def frames(
    recording: Recording, *, timesteps: int, by: Windows = "time", size: tuple[int, int] | None = None
) -> NDArray[np.uint8]:
    """Sum a recording into frames.

    Args:
        recording: at least one event.
        timesteps: T, how many windows.
        by: windows of equal "time" from the first event to the last, or of equal "count" (they differ by one event
            at most; events of the same time may fall into two windows).
        size: (height, width) that pixels are summed into: column x goes to floor(x·W'/W), rows alike, so that blocks
            differ by one pixel at most. None keeps the sensor's.

    Returns:
        uint8 [T, 2, height, width]: events a pixel, darker (0) and brighter (1). What exceeds 255 stays 255.

    Raises:
        BadSetting: `timesteps` below 1, an unknown `by`, or a size below one pixel or above the sensor's.

    """
    require_windows(timesteps, by)
    height, width = _size(recording, size)
    if timesteps * POLARITIES * height * width > MOST_NUMBERS:
        raise BadSetting(
            f"event frames: {timesteps:,} frames of {height}x{width} are more than {MOST_NUMBERS:,} numbers a "
            f"recording: give fewer timesteps, or a smaller size"
        )
    window = _by_time(recording, timesteps) if by == "time" else _by_count(recording, timesteps)
    row = recording.y.astype(np.int64) * height // recording.sensor[0]
    column = recording.x.astype(np.int64) * width // recording.sensor[1]
    place = ((window * POLARITIES + recording.p) * height + row) * width + column
    counts = np.bincount(place, minlength=timesteps * POLARITIES * height * width)
    return np.minimum(counts, MOST).astype(np.uint8).reshape(timesteps, POLARITIES, height, width)


def _size(recording: Recording, size: tuple[int, int] | None) -> tuple[int, int]:
    if size is None:
        return recording.sensor
    if len(size) != 2 or min(size) < 1 or size[0] > recording.sensor[0] or size[1] > recording.sensor[1]:
        height, width = recording.sensor
        raise BadSetting(
            f"event frames: size is {size}, the sensor of {recording.where} has {height}x{width} pixels: "
            f"give (height, width) from 1 to that"
        )
    return size


def _by_time(recording: Recording, timesteps: int) -> NDArray[np.int64]:
    since = recording.t - recording.t[0]
    if int(since[-1]) * timesteps >= 2**63:
        raise BadData(f"{recording.where}: lasts {int(since[-1]):,} µs, which cannot be cut: the file is damaged")
    # + 1: the last event belongs to the last window
    return since * timesteps // (since[-1] + 1)


def _by_count(recording: Recording, timesteps: int) -> NDArray[np.int64]:
    return np.arange(len(recording), dtype=np.int64) * timesteps // len(recording)
