"""Neurons whose output line is held at 0 or at 1, whatever they are driven by."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.reliability.faults import Patch, StageFault
from spikewright.reliability.faults._stage import Untouched
from spikewright.reliability.sites import Sites


@dataclass(frozen=True, slots=True, eq=False)
class ConstantOutput(Untouched):
    """Some neurons of a stage are held.

    Attributes:
        mask: which, bool [*features].
        level: 0 or 1.
    """

    mask: Tensor
    level: int

    def train(self, train: Tensor, images: NDArray[np.int64]) -> Tensor:  # noqa: ARG002
        """Spikes [T, N, *features] with the held ones at their level at every step."""
        return train.masked_fill(self.mask.to(train.device), self.level)

    def value(self, value: Tensor, images: NDArray[np.int64], top: float) -> Tensor:  # noqa: ARG002
        """Activations [N, *features] with the held ones at 0, or at the largest of the fault-free run."""
        return value.masked_fill(self.mask.to(value.device), self.level * top)


def mask_of(places: NDArray[np.int64], shape: tuple[int, ...]) -> Tensor:
    """Flat places → bool [*shape]."""
    mask = torch.zeros(math.prod(shape), dtype=torch.bool)
    mask[torch.from_numpy(places)] = True
    return mask.reshape(shape)


def constant_patch(faulty: Mapping[str, NDArray[np.int64]], sites: Sites, level: int) -> Patch:
    """Struck neurons, by stage, held at a level."""
    shapes = {stage.name: stage.shape for stage in sites.stages}
    stages: dict[str, StageFault] = {
        name: ConstantOutput(mask_of(places, shapes[name]), level) for name, places in faulty.items()
    }
    return Patch(stages=stages, hits=sum(len(places) for places in faulty.values()))
