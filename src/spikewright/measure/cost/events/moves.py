"""What is only moved pays what it pays later, or one accumulation where it is added up right behind."""

import torch
from torch import Tensor

from spikewright.ann.ops.moves import Concat, Gather, Identity, Permute, Reshape, Slice, ZeroPad
from spikewright.measure.cost.events import Cost, Reading, transposed


def _moved(reading: Reading) -> list[Tensor]:
    once = torch.ones((), dtype=torch.float64).expand(reading.made)
    return transposed(reading.op, reading.given, once if reading.accumulates else reading.later)


RULES: dict[type, Cost] = dict.fromkeys((Identity, Concat, Gather, Reshape, Permute, Slice, ZeroPad), _moved)
