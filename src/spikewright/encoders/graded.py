"""Graded input: the analog value once, in one step; its products are multiplications and counted as MACs.

Source: the direct coding of the first layer in "When SNN meets ANN", §5.1.
"""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Graded:
    """The value itself, in one step."""

    kind: Literal["graded"] = "graded"

    def __call__(self, x: Tensor) -> Tensor:
        """[N, *] → [1, N, *]."""
        return x.unsqueeze(0)
