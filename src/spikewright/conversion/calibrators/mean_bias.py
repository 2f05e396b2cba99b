"""Bias correction: each channel's constant is raised by what the stage's mean falls short of the source's.

    bias_c += mean(source) − mean(spiking),  over samples and positions, layer by layer
Source: Li et al. 2021 (SNNC, light pipeline).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from spikewright.ann.source import Source
from spikewright.conversion.assemble import with_shift
from spikewright.conversion.calibrators._means import gaps
from spikewright.data.progress import Progress, silent
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.schedules import Drive


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanBias:
    """One correction a channel."""

    kind: Literal["mean_bias"] = "mean_bias"

    def __call__(
        self, blueprint: Blueprint, source: Source, batches: Sequence[Any], *, on_progress: Progress = silent
    ) -> Blueprint:
        """Calibrate on prepared inputs."""
        shifts = gaps(blueprint, source, batches, mean=_by_channel, repair=_raise_bias, on_progress=on_progress)
        return with_shift(blueprint, shifts)


def _by_channel(value: Tensor, axis: int) -> Tensor:
    """[N, *features] → one number a channel, the mean over samples and all other axes, broadcast to the features."""
    shared = tuple(dim for dim in range(1, value.dim()) if dim != axis + 1)
    return value.mean((0, *shared), keepdim=True).squeeze(0)


def _raise_bias(drive: Drive, gap: Tensor) -> Drive:
    gap = gap * drive.threshold
    return drive._replace(bias=gap if drive.bias is None else drive.bias + gap)
