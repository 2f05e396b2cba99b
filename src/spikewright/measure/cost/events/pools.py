"""A mean pays what each window pays that holds the element; of a max pool's window one passes: its price is shared.

A max pool in a plan, which no stage fires behind, reads numbers: there each spike is added up once.
"""

import torch
from torch import Tensor

from spikewright.ann.ops import Averaging
from spikewright.ann.ops.pools import AdaptiveAveragePool, AdaptiveMaxPool, AveragePool, MaxPool, Mean
from spikewright.measure.cost.events import Cost, Reading
from spikewright.measure.cost.events.graded import decoded
from spikewright.measure.cost.synapses import elements, spread_over_windows


def _mean(reading: Reading) -> list[Tensor]:
    assert isinstance(reading.op, Averaging)
    demand = reading.later
    if reading.accumulates:
        demand = torch.ones((), dtype=torch.float64).expand(reading.made)
    elif reading.graded is not None:
        demand = torch.where(reading.graded, 1.0, demand)
    return [spread_over_windows(reading.op, demand, reading.given[0])]


def _largest(reading: Reading) -> list[Tensor]:
    if reading.graded is not None:
        return decoded(reading)
    shared = float(reading.later.sum()) / elements(reading.given[0])
    return [torch.full(reading.given[0], shared, dtype=torch.float64)]


RULES: dict[type, Cost] = {
    **dict.fromkeys((AveragePool, AdaptiveAveragePool, Mean), _mean),
    **dict.fromkeys((MaxPool, AdaptiveMaxPool), _largest),
}
