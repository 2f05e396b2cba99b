"""What a split of any kind of data offers to those who only feed it on: uint8 inputs, labels, and a choice of rows.

Knows nothing about what the inputs are: images, or frames of events.
"""

from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from spikewright.errors import BadData


class Rows(Protocol):
    """Read like an array, one row a sample: indices, a slice or a mask give an array of those rows."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Samples, then the shape of one."""
        ...

    def __getitem__(self, rows: Any, /) -> NDArray[np.uint8]:
        """Return the chosen rows."""
        ...


class Labelled(Protocol):
    """Samples and what they show."""

    @property
    def inputs(self) -> Rows:
        """Samples, uint8 [N, *]."""
        ...

    @property
    def labels(self) -> NDArray[np.int64]:
        """Classes, int64 [N], from 0."""
        ...

    def __len__(self) -> int:
        """How many samples."""
        ...

    def take(self, rows: NDArray[np.bool_]) -> Self:
        """Return a split of the same kind with the rows that the mask [N] chooses."""
        ...


def require_labels(labels: NDArray[np.int64], *, count: int, what: str) -> None:
    """Check labels against the number of samples; `what` is the word for many of them, in messages.

    Raises:
        BadData: not int64 [N], not one per sample, or a negative one.

    """
    if labels.dtype != np.int64 or labels.ndim != 1:
        raise BadData(f"split: labels are {labels.dtype} of shape {labels.shape}: give int64 [N]")
    if len(labels) != count:
        raise BadData(f"split: {count} {what}s but {len(labels)} labels: give one per {what}")
    if count and labels.min() < 0:
        row = int(np.argmin(labels))
        raise BadData(f"split: label {labels[row]} in row {row}: labels start at 0; remove unlabelled rows")


def require_classes(labels: NDArray[np.int64], *, classes: int, where: str) -> None:
    """Check that every label is below `classes`.

    Raises:
        BadData: one is not.

    """
    if labels.max() >= classes:
        raise BadData(
            f"{where} has label {labels.max()}, but there are {classes} classes: labels go from 0 to {classes - 1}"
        )
