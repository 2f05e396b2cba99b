"""Graded input: the analog value once, in one step; its products are multiplications and counted as MACs.

Source: the direct coding of the first layer in "When SNN meets ANN", §5.1.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from spikewright.snn.encoders._plain import Plain


@dataclass(frozen=True, slots=True)
class Graded(Plain):
    """The value itself, in one step."""

    kind: Literal["graded"] = "graded"
    streams: ClassVar[bool] = False
    clocked: ClassVar[bool] = False
    constant: ClassVar[bool] = True
    spiking: ClassVar[bool] = False
    timed: ClassVar[bool] = False

    @property
    def steps(self) -> int:
        """One."""
        return 1

    def __call__(self, x: Tensor) -> Tensor:
        """[N, *] → [1, N, *]."""
        return x.unsqueeze(0)
