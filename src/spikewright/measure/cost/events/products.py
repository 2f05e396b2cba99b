"""A product: one accumulation for each weight that is met."""

from torch import Tensor

from spikewright.ann.ops.products import Conv, Linear
from spikewright.measure.cost.events import Cost, Reading
from spikewright.measure.cost.synapses import weights_met


def met(reading: Reading) -> list[Tensor]:
    """The weights that each element meets."""
    assert reading.weight is not None
    return [weights_met(reading.op, reading.weight, given=reading.given[0], made=reading.made, dense=reading.dense)]


RULES: dict[type, Cost] = {Linear: met, Conv: met}
