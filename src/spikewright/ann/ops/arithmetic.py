"""Sums of signals, and products with a constant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from spikewright.ann.ops import Operation
from spikewright.ann.ops.products import present


@dataclass(frozen=True, slots=True, kw_only=True)
class Add(Operation):
    """Sum of all inputs, broadcast against one another."""

    kind: Literal["add"] = "add"
    adds: ClassVar[bool] = True

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *] each → [N, *]."""
        total = inputs[0]
        for term in inputs[1:]:
            total = total + term
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale(Operation):
    """Product with a constant gain (the weight), broadcast over the features."""

    kind: Literal["scale"] = "scale"
    weighted: ClassVar[bool] = True
    scales: ClassVar[bool] = True

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """[N, *features] · gain → [N, *features]."""
        return inputs[0] * present(weight)
