"""How each operation is lowered to integers: a family a file.

A rule is called with the `Lowering` of one node; it fills the step and returns what flows out: integers, their worth,
and the largest magnitude they can have.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from spikewright.engines.program import InstructionArrays
from spikewright.snn.formats import WeightFormat
from spikewright.snn.nodes import Node

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """What runs along an edge: integers, their worth, and the largest magnitude they can have."""

    worth: Tensor  # value = worth · integer; broadcasts to the features
    largest: float
    signed: bool = True  # whether an integer can be negative


@dataclass(frozen=True, slots=True, eq=False)
class Lowering:
    """One node on its way to integers.

    Attributes:
        instruction: to fill.
        node: of the plan.
        inputs: what it reads.
        given: shapes of what it reads.
        arrays: the blueprint's, in float64.
        weights: the format for weights that are not stored as integers yet.
        fraction_bits: of ratios.
    """

    instruction: InstructionArrays
    node: Node
    inputs: list[Flow]
    given: list[Shape]
    arrays: Mapping[str, Tensor]
    weights: WeightFormat
    fraction_bits: int

    def array(self, role: str) -> Tensor | None:
        """The array `{node}.{role}`, or None."""
        return self.arrays.get(f"{self.node.name}.{role}")

    def join(self, inputs: list[Flow], total: Callable[[Iterable[float]], float]) -> Flow:
        """Put inputs of different worth on one grid, 2^f finer than that of the least."""
        worth = min((flow.worth.min() for flow in inputs), key=float)
        signed = any(flow.signed for flow in inputs)
        if all(flow.worth.numel() == 1 and float(flow.worth) == float(worth) for flow in inputs):
            return Flow(worth, total(flow.largest for flow in inputs), signed)
        factors = [(2**self.fraction_bits * flow.worth / worth).round() for flow in inputs]
        self.instruction.gains = tuple(factors)
        largest = total(float(m.max()) * flow.largest for m, flow in zip(factors, inputs, strict=True))
        return Flow(worth / 2**self.fraction_bits, largest, signed)


Lower = Callable[[Lowering], Flow]


def positive(gain: Tensor) -> Tensor:
    """The magnitude of a gain whose sign is a factor of its own; 1 where it is 0."""
    return torch.where(gain == 0, 1.0, gain.abs())
