"""Weight formats, one file each: how real weights become stored integers and back, and how they are trained so."""

from typing import Protocol

from torch import Tensor


class WeightFormat(Protocol):
    """One home for how weights are stored; the first axis of a weight is its output channels.

    A transposed convolution's weight has its inputs first, and a format cannot see that: whoever knows the operation
    gives such a weight only to a format with one scale a tensor.
    """

    @property
    def kind(self) -> str:
        """The format's name, which tells formats apart in JSON."""
        ...

    @property
    def bits(self) -> int:
        """Bits a stored weight takes."""
        ...

    def quantise(self, latent: Tensor, *, progress: float = 1.0) -> Tensor:
        """The weights that `load(*store(latent))` gives, to the bit, with a gradient for the latent ones.

        Args:
            latent: real weights [out, *], which the optimiser keeps.
            progress: how much of the training is done, 0..1, for gradients that sharpen on the way.
        """
        ...

    def store(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Integers of the weight's shape, and the scale that makes them weights again."""
        ...

    def load(self, stored: Tensor, scale: Tensor) -> Tensor:
        """The weights that stored integers stand for."""
        ...
