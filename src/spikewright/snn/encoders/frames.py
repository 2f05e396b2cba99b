"""Frames of events: the input has its own time axis, one frame a step; an entry is a number of events.

Source: the frames of event data that Q-SNNs, §5.1, and the event camera literature train on.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from spikewright.errors import BadData
from spikewright.snn.encoders._plain import Plain
from spikewright.snn.encoders.repeat import require_timesteps


@dataclass(frozen=True, slots=True)
class Frames(Plain):
    """One frame of events at each of `timesteps` steps."""

    timesteps: int
    kind: Literal["frames"] = "frames"
    streams: ClassVar[bool] = True
    clocked: ClassVar[bool] = True
    constant: ClassVar[bool] = False
    spiking: ClassVar[bool] = True
    timed: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_timesteps(self.timesteps)

    @property
    def steps(self) -> int:
        """The window."""
        return self.timesteps

    def __call__(self, x: Tensor) -> Tensor:
        """[N, T, *] → [T, N, *], a view.

        Raises:
            BadData: another number of frames.
        """
        if x.dim() < 2 or x.shape[1] != self.timesteps:
            given = "no time axis" if x.dim() < 2 else f"{x.shape[1]} frames"
            raise BadData(f"the network takes {self.timesteps} frames a sample, got {given}: cut the recordings so")
        return x.transpose(0, 1)
