"""What is computed with numbers reads them: each spike is added up once, into the number that it is part of."""

import torch
from torch import Tensor

from spikewright.ann.ops.graded import GRADED
from spikewright.measure.cost.events import Cost, Reading


def decoded(reading: Reading) -> list[Tensor]:
    """One accumulation for each element of each input."""
    return [torch.ones(shape, dtype=torch.float64) for shape in reading.given]


RULES: dict[type, Cost] = dict.fromkeys(GRADED, decoded)
