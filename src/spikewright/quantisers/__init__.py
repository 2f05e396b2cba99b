"""Weight formats, one file each: how real weights become stored integers and back."""

from typing import Protocol

from torch import Tensor


class WeightFormat(Protocol):
    """One home for how weights are stored."""

    @property
    def bits(self) -> int:
        """Bits a stored weight takes."""
        ...

    def store(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Integers (int32) and the scale that makes them weights again."""
        ...

    def load(self, stored: Tensor, scale: Tensor) -> Tensor:
        """The weights that stored integers stand for."""
        ...
