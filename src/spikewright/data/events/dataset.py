"""Event data in memory: three splits of frames and labels, shaped like `data.dataset.ImageData`.

Where the frames come from does not matter here: anything can build an `EventSplit` from two arrays.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spikewright.data.events.chosen import ChosenRows
from spikewright.data.events.preparation import POLARITIES, EventPreparation
from spikewright.data.labelled import require_classes, require_labels
from spikewright.errors import BadData


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventSplit:
    """Frames uint8 [N, T, 2, H, W], events a pixel, and their labels int64 [N], which start at 0.

    Raises:
        BadData: no frames, another dtype or shape, or a negative label.

    """

    frames: NDArray[np.uint8] | ChosenRows
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        shape = self.frames.shape
        if self.frames.dtype != np.uint8 or len(shape) != 5 or shape[2] != POLARITIES:
            raise BadData(f"split: frames are {self.frames.dtype} of shape {shape}: give uint8 [N, T, 2, H, W]")
        require_labels(self.labels, count=shape[0], what="recording")
        if 0 in shape:
            raise BadData(f"split: no frames (shape {shape}): give at least one recording")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def inputs(self) -> NDArray[np.uint8] | ChosenRows:
        """The frames, under the name that splits of every kind have."""
        return self.frames

    def take(self, rows: NDArray[np.bool_]) -> Self:
        """Return the recordings that the mask [N] chooses, with their labels; frames are not copied."""
        frames = self.frames
        whole = frames if isinstance(frames, ChosenRows) else ChosenRows(frames, np.arange(len(self)))
        return replace(self, frames=whole.take(rows), labels=self.labels[rows])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventData:
    """A classification data set of recordings. Choose on `validation`; read `test` once, for the figures.

    `fingerprint` identifies the frames and labels before validation was cut from train: two runs can tell whether
    they saw the same data. `notes` are lines about what was noticed while the recordings were read.

    Raises:
        BadData: splits of different frame shapes, frames that the preparation does not take, or a label that is not
            below `classes`.

    """

    name: str
    classes: int
    train: EventSplit
    validation: EventSplit
    test: EventSplit
    preparation: EventPreparation
    fingerprint: str
    notes: tuple[str, ...] = ()

    @property
    def account(self) -> dict[str, Any]:
        """What a run says of the data that it was made with."""
        return {"data": self.name, "data_fingerprint": self.fingerprint, "classes": self.classes}

    def __post_init__(self) -> None:
        wanted = self.preparation.frame_shape
        for name, split in (("train", self.train), ("validation", self.validation), ("test", self.test)):
            if split.frames.shape[1:] != wanted:
                raise BadData(
                    f"data '{self.name}': frames of split '{name}' are {split.frames.shape[1:]}, the preparation "
                    f"takes {wanted}: give all splits the same timesteps, height and width"
                )
            require_classes(split.labels, classes=self.classes, where=f"data '{self.name}': split '{name}'")

    @property
    def channels(self) -> int:
        """Channels of a frame: 2, darker and brighter."""
        return POLARITIES

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frames, in pixels."""
        return self.preparation.size

    @property
    def timesteps(self) -> int:
        """Frames a recording."""
        return self.preparation.timesteps
