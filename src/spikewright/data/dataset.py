"""A data set in memory: three splits of uint8 images and integer labels, and how to prepare them.

Source of the images does not matter here: anything can build a `Split` from two arrays.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from spikewright.data.labelled import require_classes, require_labels
from spikewright.data.preparation import InputPreparation
from spikewright.errors import BadData


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """Images uint8 [N, C, H, W] (black 0, white 255) and their labels int64 [N], which start at 0.

    Raises:
        BadData: no images, another dtype or shape, NaN, or a negative label.

    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        for name, values in (("images", self.images), ("labels", self.labels)):
            if np.issubdtype(values.dtype, np.floating) and np.isnan(values).any():
                row = int(np.argwhere(np.isnan(values))[0][0])
                raise BadData(f"split: {name} hold NaN, first in row {row}: remove or mend these rows")
        if self.images.dtype != np.uint8 or self.images.ndim != 4:
            raise BadData(
                f"split: images are {self.images.dtype} of shape {self.images.shape}: give uint8 [N, C, H, W]"
            )
        require_labels(self.labels, count=len(self.images), what="image")
        if self.images.size == 0:
            raise BadData(f"split: no images (shape {self.images.shape}): give at least one")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def inputs(self) -> NDArray[np.uint8]:
        """The images, under the name that splits of every kind have."""
        return self.images

    def take(self, rows: NDArray[np.bool_]) -> Self:
        """Return the images that the mask [N] chooses, with their labels."""
        return replace(self, images=self.images[rows], labels=self.labels[rows])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImageData:
    """A classification data set. Choose on `validation`; read `test` once, for the figures.

    `fingerprint` identifies the pixels and labels as they were found, before validation was cut from train:
    two runs can tell whether they saw the same data. `label` is the label column, where it was asked for by name.

    Raises:
        BadData: splits of different image shapes, or a label that is not below `classes`.

    """

    name: str
    classes: int
    train: Split
    validation: Split
    test: Split
    preparation: InputPreparation
    fingerprint: str
    label: str | None = None

    @property
    def account(self) -> dict[str, Any]:
        """What a run says of the data that it was made with."""
        chosen = {} if self.label is None else {"label": self.label}
        return {"data": self.name, **chosen, "data_fingerprint": self.fingerprint, "classes": self.classes}

    def __post_init__(self) -> None:
        for name, split in (("train", self.train), ("validation", self.validation), ("test", self.test)):
            if split.images.shape[1:] != self.train.images.shape[1:]:
                raise BadData(
                    f"data '{self.name}': images of split '{name}' are {split.images.shape[1:]}, of train "
                    f"{self.train.images.shape[1:]}: give all splits the same channels, height and width"
                )
            require_classes(split.labels, classes=self.classes, where=f"data '{self.name}': split '{name}'")

    @property
    def channels(self) -> int:
        """Channels of the stored images: 1 for grey, 3 for RGB."""
        return self.train.images.shape[1]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the stored images, in pixels."""
        return self.train.images.shape[2], self.train.images.shape[3]
