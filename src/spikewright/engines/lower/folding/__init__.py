"""How each operation is folded into the unit of its stage: a family a file.

A rule is called with the step to fill, its node, the units of its inputs, its own unit and the blueprint's arrays.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from spikewright.engines.program import InstructionArrays
from spikewright.snn.nodes import Node

ONE = torch.ones((), dtype=torch.float64)

Arrays = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Folding:
    """The rule for an operation.

    Attributes:
        fold: fills the step.
        passes_unit: a node that does not fire is measured in the unit of what it reads, where that is one number.
        adopts_unit: it had best be measured in the unit of the one stage that reads it, by way of a sum.
    """

    fold: Callable[[InstructionArrays, Node, Sequence[Tensor], Tensor, Arrays], None]
    passes_unit: bool = False
    adopts_unit: bool = False


def same(left: Tensor, right: Tensor) -> bool:
    """Whether two units are one number, and the same."""
    return left.numel() == 1 and right.numel() == 1 and float(left) == float(right)


def factor(value: Tensor) -> Tensor | None:
    """A factor, or None where it is 1."""
    return None if value.numel() == 1 and float(value) == 1.0 else value


def pass_on(instruction: InstructionArrays, node: Node, inputs: Sequence[Tensor], own: Tensor, arrays: Arrays) -> None:  # noqa: ARG001
    """Units go through a linear operation without a weight as factors on either side, where they do not cancel."""
    if all(same(unit, own) for unit in inputs):
        return
    if all(unit.numel() == 1 for unit in inputs) and own.numel() == 1:
        instruction.gains = tuple(factor(unit / own) for unit in inputs)
    else:
        instruction.gains = tuple(factor(unit) for unit in inputs)
        instruction.after = factor(1 / own)
