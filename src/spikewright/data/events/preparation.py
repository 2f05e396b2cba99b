"""From stored frames of events to what a network sees: counts as they are, or whether there was an event at all.

Part of every saved network that takes events, as `InputPreparation` is of those that take images: it also says how
recordings became frames. Knows nothing about data sets, files or augmentation.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from pydantic import SerializerFunctionWrapHandler, model_serializer
from torch import Tensor

from spikewright.data.events.recording_settings import RecordingSettings
from spikewright.errors import BadData, BadSetting

POLARITIES = 2  # darker, brighter
MOST_FRAMES = 2**16  # of a recording
MOST_SIDE = 2**14  # pixels of a frame
MOST = 255  # events that a stored frame holds a pixel: a uint8
Windows = Literal["time", "count"]


def require_windows(timesteps: int, by: str) -> None:
    """Check how recordings are to be cut into frames.

    Raises:
        BadSetting: `timesteps` below 1, or `by` neither "time" nor "count".

    """
    if timesteps < 1:
        raise BadSetting(f"event frames: timesteps is {timesteps}: it must be 1 or more")
    if timesteps > MOST_FRAMES:
        raise BadSetting(f"event frames: timesteps is {timesteps:.6g}: it must be {MOST_FRAMES:,} or less")
    if by not in ("time", "count"):
        raise BadSetting(f"event frames: no windows by {by!r}: choose time or count")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPreparation:
    """How frames of events become a network's input.

    Attributes:
        timesteps: T, frames a recording.
        by: windows of equal "time" or of equal "count" of events; kept for whoever makes the frames again.
        size: (height, width) of a frame, in pixels.
        binary: whether counts above 1 become 1.
        recording: what was known of recordings that their files do not say, for whoever reads them again. None where
            nothing was: JSON and the words of a preparation leave it out then, and are what they were before it.

    Raises:
        BadSetting: `timesteps` or a side of `size` below 1, or an unknown `by`.

    """

    timesteps: int
    by: Windows = "time"
    size: tuple[int, int]
    binary: bool = False
    recording: RecordingSettings | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        # JSON brings lists, and hashing needs tuples
        object.__setattr__(self, "size", tuple(self.size))
        require_windows(self.timesteps, self.by)
        if len(self.size) != 2 or min(self.size) < 1 or max(self.size) > MOST_SIDE:
            raise BadSetting(
                f"event preparation: size is {self.size}: give (height, width), each from 1 to {MOST_SIDE:,}"
            )

    @model_serializer(mode="wrap")
    def _as_json(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found = handler(self)
        if self.recording is None:
            del found["recording"]
        return found

    @property
    def channels(self) -> int:
        """Channels of an input at each step: 2, darker and brighter."""
        return POLARITIES

    @property
    def frame_shape(self) -> tuple[int, int, int, int]:
        """The shape of one recording's frames: (T, 2, height, width)."""
        return self.timesteps, POLARITIES, *self.size

    @property
    def value_range(self) -> tuple[float, float]:
        """Smallest and largest value that a prepared input can have."""
        return 0.0, 1.0 if self.binary else float(MOST)

    def __call__(self, frames: Tensor) -> Tensor:
        """Prepare uint8 frames [N, T, 2, H, W]; returns float32 of the same shape.

        Raises:
            BadData: not uint8, or other timesteps, channels or size than the network takes.

        """
        if frames.dtype != torch.uint8 or frames.ndim != 5 or tuple(frames.shape[1:]) != self.frame_shape:
            raise BadData(
                f"event preparation: got {frames.dtype} of shape {tuple(frames.shape)}: "
                f"give uint8 frames of events [N, {', '.join(map(str, self.frame_shape))}]"
            )
        x = frames.to(torch.float32)
        return x.clamp_(max=1) if self.binary else x
