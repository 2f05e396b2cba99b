"""A sum costs one accumulation; a product with a constant one a factor that is not zero, unless folded away."""

import torch
from torch import Tensor

from spikewright.ann.ops.arithmetic import Add, Scale
from spikewright.measure.cost.events import Cost, Reading, transposed
from spikewright.measure.cost.synapses import weights_met


def _add(reading: Reading) -> list[Tensor]:
    once = torch.ones((), dtype=torch.float64).expand(reading.made)
    return transposed(reading.op, reading.given, once)


def _scale(reading: Reading) -> list[Tensor]:
    if reading.scale_folds:
        return [reading.later.unsqueeze(0).sum_to_size(1, *reading.given[0])[0]]
    assert reading.weight is not None
    return [weights_met(reading.op, reading.weight, given=reading.given[0], made=reading.made)]


RULES: dict[type, Cost] = {Add: _add, Scale: _scale}
