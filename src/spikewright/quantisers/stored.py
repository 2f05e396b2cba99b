"""A weight as it is stored: integers, what they are worth, and their format."""

from typing import Any, NamedTuple

from torch import Tensor


class Stored(NamedTuple):
    """Integers of a `WeightFormat`; the weight is integers · scale."""

    format: Any  # one of the formats of this folder
    integers: Tensor  # as the operation lays its weight out
    scale: Tensor  # one number, or one per output channel
