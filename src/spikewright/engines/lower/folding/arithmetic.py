"""Sums and products with a constant: each input brings its own unit."""

from collections.abc import Sequence

from torch import Tensor

from spikewright.ann.ops.arithmetic import Add, Scale
from spikewright.engines.lower.folding import Arrays, Folding, factor
from spikewright.engines.program import InstructionArrays
from spikewright.snn.nodes import Node


def _add(instruction: InstructionArrays, node: Node, inputs: Sequence[Tensor], own: Tensor, arrays: Arrays) -> None:  # noqa: ARG001
    instruction.gains = tuple(factor(unit / own) for unit in inputs)


def _scale(instruction: InstructionArrays, node: Node, inputs: Sequence[Tensor], own: Tensor, arrays: Arrays) -> None:
    instruction.weight = arrays[f"{node.name}.weight"] * inputs[0] / own


RULES: dict[type, Folding] = {Add: Folding(_add, adopts_unit=True), Scale: Folding(_scale)}
