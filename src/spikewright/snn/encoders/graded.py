"""Graded input: the analog value once, in one step; its products are multiplications and counted as MACs.

Source: the direct coding of the first layer in "When SNN meets ANN", §5.1.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Graded:
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

    @property
    def warmup(self) -> int:
        """No steps before the window."""
        return 0

    @property
    def largest(self) -> float | None:
        """No whole numbers."""
        return None

    def total(self, x: Tensor) -> Tensor:
        """The one step there is."""
        return self(x)

    def anew(self, x: Tensor, key: tuple[int, ...]) -> Tensor:  # noqa: ARG002
        """Nothing is drawn."""
        return self(x)

    def __call__(self, x: Tensor) -> Tensor:
        """[N, *] → [1, N, *]."""
        return x.unsqueeze(0)
