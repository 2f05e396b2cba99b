"""What was noticed while recordings became frames and refuses nothing: a line each, with a count and the first file."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spikewright.data.events.recording import Recording


@dataclass(slots=True)
class _Tally:
    recordings: int = 0
    events: int = 0
    first: str = ""

    def add(self, events: int, where: str) -> None:
        if events:
            self.first = self.first or where
            self.recordings += 1
            self.events += events


@dataclass(slots=True)
class Notes:
    """Counts over the recordings of a data set, one after another."""

    _dropped: _Tally = field(default_factory=_Tally)
    _steps_back: _Tally = field(default_factory=_Tally)
    _sparse: _Tally = field(default_factory=_Tally)
    _of_frames: int = 0
    _largest_step_back: int = 0

    def of_recording(self, recording: Recording) -> None:
        """Count what was dropped and what was out of order; once a file."""
        self._dropped.add(recording.dropped, recording.where)
        self._steps_back.add(recording.steps_back, recording.where)
        self._largest_step_back = max(self._largest_step_back, recording.largest_step_back)

    def of_frames(self, frames: NDArray[np.uint8], where: str) -> None:
        """Count recordings of which more than half of the frames [T, 2, H, W] hold no event."""
        empty = int((~frames.reshape(len(frames), -1).any(axis=1)).sum())
        self._of_frames += 1
        if 2 * empty > len(frames):
            self._sparse.add(empty, f"{where}, {empty} of {len(frames)}")

    @property
    def lines(self) -> tuple[str, ...]:
        """What was noticed."""
        dropped, back, sparse = self._dropped, self._steps_back, self._sparse
        said = {
            f"{dropped.events:,} events outside the sensor were dropped, of {dropped.recordings:,} recordings "
            f"(first {dropped.first})": dropped,
            f"times step back at {back.events:,} events of {back.recordings:,} recordings, by up to "
            f"{self._largest_step_back:,} µs, and were put in order (first {back.first})": back,
            f"{sparse.recordings:,} of {self._of_frames:,} recordings leave more than half of their frames empty "
            f"(first {sparse.first}): see that their times have the unit they are read in (--time-unit), or take fewer "
            "--timesteps or --frames-by count": sparse,
        }
        return tuple(line for line, tally in said.items() if tally.recordings)
