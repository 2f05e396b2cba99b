"""By how much rounding weights, biases and thresholds to integers changed a network: codes that differ."""

from collections.abc import Iterable

import torch
from torch import Tensor

from spikewright.engines.network import SpikingNetwork, build
from spikewright.engines.record import StageRecord


def changed_codes(network: SpikingNetwork, batches: Iterable[Tensor]) -> tuple[int, int]:
    """How many codes differ from those of the blueprint in float64, and how many there are.

    Args:
        network: built with `lower=`, in integers.
        batches: prepared inputs [N, *input_shape].
    """
    real = build(network.blueprint, dtype=torch.float64)
    changed = total = 0
    with torch.no_grad():
        for x in batches:
            for one, other in zip(network.collapse(x), real.collapse(x), strict=True):
                if isinstance(one, StageRecord):
                    changed += int((one.codes.double() != other.codes).sum())
                    total += one.codes.numel()
    return changed, total
