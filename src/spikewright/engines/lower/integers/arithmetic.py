"""Sums go onto one grid; of a product with a constant the sign is left, the rest is worth."""

from spikewright.ann.ops.arithmetic import Add, Scale
from spikewright.engines.lower.integers import Flow, Lower, Lowering, positive


def _add(lowering: Lowering) -> Flow:
    return lowering.join(lowering.inputs, sum)


def _scale(lowering: Lowering) -> Flow:
    gain, first = lowering.array("weight"), lowering.inputs[0]
    assert gain is not None
    lowering.instruction.weight = gain.sign()
    return Flow(positive(gain) * first.worth, first.largest)


RULES: dict[type, Lower] = {Add: _add, Scale: _scale}
