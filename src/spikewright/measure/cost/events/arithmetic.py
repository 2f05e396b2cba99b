"""A sum, or a product with a constant, costs one accumulation, or what its spikes pay later where they are passed on.

A spike goes on as a spike through a sum of trains, and through a factor of ±1: its sign moves for free. Any other
factor that is not zero is accumulated once, unless folded away.
"""

import torch
from torch import Tensor

from spikewright.ann.ops.arithmetic import Add, Scale
from spikewright.measure.cost.events import Cost, Reading, transposed
from spikewright.measure.cost.synapses import weights_met


def _add(reading: Reading) -> list[Tensor]:
    return transposed(reading.op, reading.given, _here(reading))


def _scale(reading: Reading) -> list[Tensor]:
    if reading.scale_folds:
        return [reading.later.unsqueeze(0).sum_to_size(1, *reading.given[0])[0]]
    assert reading.weight is not None
    if reading.accumulates or reading.graded is None:
        return [weights_met(reading.op, reading.weight, given=reading.given[0], made=reading.made)]
    cost = torch.where(reading.weight != 0, _here(reading), 0.0)
    return [cost.unsqueeze(0).sum_to_size(1, *reading.given[0])[0]]


def _here(reading: Reading) -> Tensor:
    """What an event at each element of the result pays: one accumulation, or `later` where spikes are passed on."""
    once = torch.ones((), dtype=torch.float64).expand(reading.made)
    if reading.accumulates or reading.graded is None:
        return once
    return torch.where(reading.graded, once, reading.later.double())


RULES: dict[type, Cost] = {Add: _add, Scale: _scale}
