"""Input on a grid: the analog value rounded to a multiple of 2^−f, as an integer, once.

The input of integer mode: what follows is integer arithmetic.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from spikewright.errors import BadSetting
from spikewright.snn.encoders._plain import Plain


@dataclass(frozen=True, slots=True)
class Grid(Plain):
    """round(x · 2^fraction_bits), a tie upwards, clamped to ±limit.

    Attributes:
        fraction_bits: f, 0..15.
        limit: the largest integer.
    """

    fraction_bits: int = 8
    limit: int = 2**13 - 1
    kind: Literal["grid"] = "grid"
    streams: ClassVar[bool] = False
    clocked: ClassVar[bool] = False
    constant: ClassVar[bool] = True
    spiking: ClassVar[bool] = False
    timed: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0 <= self.fraction_bits <= 15:
            raise BadSetting(f"an input grid needs 0..15 fraction bits, got {self.fraction_bits}")
        if self.limit < 1:
            raise BadSetting(f"an input grid needs a limit of at least 1, got {self.limit}")

    @property
    def steps(self) -> int:
        """One."""
        return 1

    @property
    def largest(self) -> float:
        """The limit."""
        return float(self.limit)

    def __call__(self, x: Tensor) -> Tensor:
        """[N, *] → [1, N, *], integers in floating point."""
        return (x * 2**self.fraction_bits + 0.5).floor().clamp(-self.limit, self.limit).unsqueeze(0)
