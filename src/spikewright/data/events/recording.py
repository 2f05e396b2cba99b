"""One recording of an event camera: where, when and in which direction the brightness of a pixel changed.

Knows nothing about file formats, classes or frames.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikewright.errors import BadData


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recording:
    """Events in the order of time; those of equal time keep the order they were given in.

    Attributes:
        x: columns, int16 [n], 0 at the left.
        y: rows, int16 [n], 0 at the top.
        t: microseconds, int64 [n], from any origin.
        p: polarity, bool [n]: True where it became brighter (ON).
        sensor: (height, width) in pixels.
        where: the words that name the recording in messages.

    Raises:
        BadData: no events, arrays of different length, or an event outside the sensor.

    """

    x: NDArray[np.int16]
    y: NDArray[np.int16]
    t: NDArray[np.int64]
    p: NDArray[np.bool_]
    sensor: tuple[int, int]
    where: str

    def __post_init__(self) -> None:
        lengths = {len(self.x), len(self.y), len(self.t), len(self.p)}
        if len(lengths) != 1:
            raise BadData(f"{self.where}: x, y, t and p hold {sorted(lengths)} events: give as many of each")
        if len(self.t) == 0:
            raise BadData(f"{self.where}: no events: remove the recording")
        height, width = self.sensor
        outside = (self.x < 0) | (self.x >= width) | (self.y < 0) | (self.y >= height)
        if outside.any():
            row = int(np.argmax(outside))
            raise BadData(
                f"{self.where}: event {row} is at x = {self.x[row]}, y = {self.y[row]}, outside the sensor of "
                f"{height}x{width} pixels: the file is damaged, or another sensor=(height, width) is to be given"
            )
        # cameras send neighbouring events in either order now and then
        if (self.t[1:] < self.t[:-1]).any():
            order = np.argsort(self.t, kind="stable")
            for name in ("x", "y", "t", "p"):
                object.__setattr__(self, name, getattr(self, name)[order])

    def __len__(self) -> int:
        return len(self.t)

    def cut(self, start: int, end: int) -> "Recording":
        """Return the events with `start` <= t < `end`, in microseconds.

        Raises:
            BadData: there are none.

        """
        first, last = np.searchsorted(self.t, [start, end])
        part = slice(int(first), int(last))
        where = f"{self.where}, {start} to {end} µs"
        return Recording(
            x=self.x[part], y=self.y[part], t=self.t[part], p=self.p[part], sensor=self.sensor, where=where
        )
