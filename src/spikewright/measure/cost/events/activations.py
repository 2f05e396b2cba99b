"""Batch norm and constants are folded away; what an activation reads is added up there once."""

import torch
from torch import Tensor

from spikewright.ann.ops.activations import Activation, BatchNorm, Offset
from spikewright.measure.cost.events import Cost, Reading


def _folded(reading: Reading) -> list[Tensor]:
    return [reading.later.unsqueeze(0).sum_to_size(1, *reading.given[0])[0]]


def _activation(reading: Reading) -> list[Tensor]:
    return [torch.ones(reading.given[0], dtype=torch.float64)]


RULES: dict[type, Cost] = {BatchNorm: _folded, Offset: _folded, Activation: _activation}
