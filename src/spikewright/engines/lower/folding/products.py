"""A weight takes in what a spike of the stage before is worth, and one over its own stage's unit."""

from collections.abc import Sequence

from torch import Tensor

from spikewright.ann.ops import Product
from spikewright.ann.ops.layout import per_channel
from spikewright.ann.ops.products import Conv, Linear
from spikewright.engines.lower.folding import ONE, Arrays, Folding
from spikewright.engines.program import InstructionArrays
from spikewright.snn.nodes import Node


def _product(instruction: InstructionArrays, node: Node, inputs: Sequence[Tensor], own: Tensor, arrays: Arrays) -> None:
    if node.weights is not None:
        _stored(instruction, inputs[0], own, arrays.get(f"{node.name}.weight"), arrays[f"{node.name}.gain"])
        return
    op, weight, unit = node.op, arrays[f"{node.name}.weight"], inputs[0]
    assert isinstance(op, Product)
    ones = (1,) * (weight.dim() - 2)
    on_inputs = per_channel(unit, (op.in_channels(weight), *ones)) if _by_channel(op, unit) else None
    if on_inputs is None:
        instruction.gains = (unit,)
    else:
        weight = op.scale_inputs(weight, on_inputs)
    on_outputs = per_channel(1 / own, (op.out_channels(weight), *ones)) if _by_channel(op, own) else None
    if on_outputs is None:
        instruction.after = 1 / own
    else:
        weight = op.scale_outputs(weight, on_outputs)
    instruction.weight = weight


def _by_channel(op: Product, unit: Tensor) -> bool:
    """Whether a unit can be one number a channel: a linear map reads its last axis, so there only a plain vector."""
    return unit.numel() == 1 or op.channels_first(tuple(unit.shape))


def _stored(instruction: InstructionArrays, unit: Tensor, own: Tensor, stored: Tensor | None, gain: Tensor) -> None:
    """Integers stay integers: what spikes are worth goes into the gain beside them, where it is one number."""
    instruction.weight = stored
    if unit.numel() != 1:
        instruction.gains = (unit,)
        unit = ONE
    instruction.after = gain * unit.reshape(()) / own


RULES: dict[type, Folding] = dict.fromkeys((Linear, Conv), Folding(_product, adopts_unit=True))
