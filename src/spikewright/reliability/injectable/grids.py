"""Which values of a spiking network are whole numbers, and how large they are."""

from collections.abc import Mapping

from spikewright.ann.ops import Product
from spikewright.ann.source import INPUT
from spikewright.engines.program import Program, StageInstruction
from spikewright.snn.nodes import Node


def whole_numbers(program: Program) -> Mapping[str, float | None]:
    """The largest whole number that each node, and the input, hands on; None where these are no whole numbers."""
    encoder = program.plan.encoder
    most: dict[str, float | None] = {INPUT: encoder.largest}
    for instruction in program.instructions:
        node = instruction.node
        given = [most[edge.source] if edge.alignment is None else None for edge in node.edges]
        if isinstance(instruction, StageInstruction):
            code = instruction.firing.code
            most[node.name] = float(code.levels if node.name in program.closed else max(code.step_weights))
            continue
        plain = instruction.integral or (
            (node.op.moves or node.op.adds)
            and instruction.after is None
            and instruction.bias is None
            and all(instruction.gain(index) is None for index in range(len(given)))
        )
        if not plain or any(each is None for each in given):
            most[node.name] = None
            continue
        factor = 1.0 if instruction.after is None else max(float(instruction.after.abs().max()), 1.0)
        if node.weights is not None:
            largest = 1.0 if node.weights.bits == 1 else 2.0 ** (node.weights.bits - 1)
            assert instruction.weight is not None
            assert isinstance(node.op, Product)
            factor *= largest * node.op.fan_in(instruction.weight)
        elif instruction.weight is not None and node.op.scales:
            factor *= max(float(instruction.weight.abs().max()), 1.0)
        gains = [
            1.0 if (gain := instruction.gain(index)) is None else float(gain.abs().max()) for index in range(len(given))
        ]
        total = sum(gain * (each or 0.0) for gain, each in zip(gains, given, strict=True)) * factor
        most[node.name] = total + (0.0 if instruction.bias is None else float(instruction.bias.abs().max()))
    return most


def longest(program: Program, node: Node) -> int:
    """How many steps a node may sum before it reads: 1 where it reads each step as it comes."""
    return max(program.courses[name].steps for name in node.inputs)
