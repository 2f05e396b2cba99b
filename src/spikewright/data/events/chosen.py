"""Some rows of an array that stays where it is: chosen rows of a memory-mapped file, read when they are asked for.

Frames of events are large: CIFAR10-DVS in 10 frames of 128x128 takes 3.3 GB, which a copy of the training split would
have to hold in memory.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class ChosenRows:
    """Rows `chosen`, int64 [N], of `array`, uint8 [M, *]; reads like the array `array[chosen]`, one axis at a time."""

    array: NDArray[np.uint8]
    chosen: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that `array[chosen]` has."""
        return (len(self.chosen), *self.array.shape[1:])

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.array.ndim

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """Type of the values."""
        return self.array.dtype

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, rows: Any, /) -> NDArray[np.uint8]:
        """Return rows, chosen by a number, a slice, indices or a mask: a copy of these alone."""
        return self.array[self.chosen[rows]]

    def take(self, rows: NDArray[np.bool_]) -> "ChosenRows":
        """Choose among the rows by a mask [N]; nothing is read."""
        return ChosenRows(self.array, self.chosen[rows])
