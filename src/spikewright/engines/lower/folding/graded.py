"""What is not linear reads values, not codes, unless units go through it: a product's do, and a maximum's that are one.

a product of codes is a whole number; what it is worth, u_a · u_b, is multiplied once, behind it
norms, softmax: each input times its unit;  1/own unit behind
"""

from collections.abc import Sequence

from torch import Tensor

from spikewright.ann.ops.graded import (
    Divide,
    Larger,
    Length,
    MatMul,
    Multiply,
    Normalise,
    Reciprocal,
    Smaller,
    Softmax,
)
from spikewright.engines.lower.folding import Arrays, Folding, factor, pass_on
from spikewright.engines.program import InstructionArrays
from spikewright.snn.nodes import Node


def values(instruction: InstructionArrays, node: Node, inputs: Sequence[Tensor], own: Tensor, arrays: Arrays) -> None:  # noqa: ARG001
    """Each input in the value scale, and the result in the node's own unit."""
    instruction.gains = tuple(factor(unit) for unit in inputs)
    instruction.after = factor(1 / own)


def _codes(instruction: InstructionArrays, unit: Tensor) -> None:
    """The inputs as they are, codes or not, and what the result is worth behind."""
    instruction.after = factor(unit)


def _multiply(instruction: InstructionArrays, _: Node, inputs: Sequence[Tensor], own: Tensor, __: Arrays) -> None:
    _codes(instruction, inputs[0] * inputs[1] / own)


def _divide(instruction: InstructionArrays, _: Node, inputs: Sequence[Tensor], own: Tensor, __: Arrays) -> None:
    _codes(instruction, inputs[0] / inputs[1] / own)


def _matmul(instruction: InstructionArrays, node: Node, inputs: Sequence[Tensor], own: Tensor, arrays: Arrays) -> None:
    if any(unit.numel() > 1 for unit in (*inputs, own)):
        values(instruction, node, inputs, own, arrays)
    else:
        _codes(instruction, inputs[0] * inputs[1] / own)


RULES: dict[type, Folding] = {
    Multiply: Folding(_multiply),
    Divide: Folding(_divide),
    MatMul: Folding(_matmul),
    **dict.fromkeys((Reciprocal, Normalise, Softmax, Length), Folding(values)),
    **dict.fromkeys((Larger, Smaller), Folding(pass_on, passes_unit=True)),
}
