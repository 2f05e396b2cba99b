"""One recording of an event camera: where, when and in which direction the brightness of a pixel changed.

Knows nothing about file formats, classes or frames.
"""

from dataclasses import InitVar, dataclass, field

import numpy as np
from numpy.typing import NDArray

from spikewright.data.events.clock import out_of_order
from spikewright.data.events.recording_settings import Stray
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
        stray: whether an event outside the sensor is refused or dropped.
        dropped: events that were.
        steps_back: times that an event was given after a later one.
        largest_step_back: microseconds that it was earlier by, at most.

    Raises:
        BadData: no events, arrays of different length, an event outside the sensor, or times that are of no one clock.

    """

    x: NDArray[np.int16]
    y: NDArray[np.int16]
    t: NDArray[np.int64]
    p: NDArray[np.bool_]
    sensor: tuple[int, int]
    where: str
    stray: InitVar[Stray] = "refuse"
    dropped: int = field(default=0, init=False)
    steps_back: int = field(default=0, init=False)
    largest_step_back: int = field(default=0, init=False)

    def __post_init__(self, stray: Stray) -> None:
        lengths = {len(self.x), len(self.y), len(self.t), len(self.p)}
        if len(lengths) != 1:
            raise BadData(f"{self.where}: x, y, t and p hold {sorted(lengths)} events: give as many of each")
        if len(self.t) == 0:
            raise BadData(f"{self.where}: no events: remove the recording")
        self._settle_places(stray)
        found = out_of_order(self.t, where=self.where)
        object.__setattr__(self, "steps_back", found.steps)
        object.__setattr__(self, "largest_step_back", found.largest)
        # cameras send neighbouring events in either order now and then
        if found.steps:
            self._take(np.argsort(self.t, kind="stable"))

    def _settle_places(self, stray: Stray) -> None:
        height, width = self.sensor
        outside = (self.x < 0) | (self.x >= width) | (self.y < 0) | (self.y >= height)
        count, size = int(outside.sum()), f"the sensor of {height}x{width} pixels"
        if not count:
            return
        if stray == "refuse":
            row = int(np.argmax(outside))
            others = "" if count == 1 else f", with {count - 1:,} others"
            raise BadData(
                f"{self.where}: event {row} is at x = {self.x[row]}, y = {self.y[row]}, outside {size}{others}: the "
                "file is damaged, or of another camera: give --sensor HEIGHTxWIDTH (in Python sensor=), or leave such "
                "events out by --stray drop (stray='drop')"
            )
        if count == len(self.t):
            raise BadData(f"{self.where}: all {count:,} events lie outside {size}: give --sensor HEIGHTxWIDTH")
        object.__setattr__(self, "dropped", count)
        self._take(np.flatnonzero(~outside))

    def _take(self, rows: NDArray[np.int64]) -> None:
        for name in ("x", "y", "t", "p"):
            object.__setattr__(self, name, getattr(self, name)[rows])

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
