"""How each operation of a source enters a draft: a family of operations a file.

A rule is called with a `Part`: it may put another operation in the draft, and says which weight and constant are the
node's own. What is neither weighted nor has a constant stays as it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from spikewright.ann.ops import Operation, Shape
from spikewright.snn.formats.stored import Stored


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One node of a source: its operation, its arrays by role in float64, and shapes without the batch."""

    op: Operation
    roles: Mapping[str, Tensor]
    given: Shape  # of its first input
    shape: Shape
    stored: Stored | None  # integers in place of its weight

    def by_channel(self, vector: Tensor) -> Tensor:
        """One number a channel, to broadcast to the node's shape."""
        return vector.reshape(-1, *(1,) * (len(self.shape) - 1))


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """What a node becomes: an operation, its weight, the constant that it adds, and the gain beside stored integers."""

    op: Operation
    weight: Tensor | None = None
    own: Tensor | None = None
    gain: Tensor | None = None


Take = Callable[[Part], Taken]


def as_it_is(part: Part) -> Taken:
    """An operation without weight or constant."""
    return Taken(part.op)
