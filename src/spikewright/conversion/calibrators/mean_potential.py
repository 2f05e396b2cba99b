"""Potential correction: each neuron starts with what its mean falls short of the source's.

    v0 += mean(source) − mean(spiking),  over samples, layer by layer      (T times that in the classical scale)
Source: Li et al. 2021 (SNNC, advanced pipeline, initial potentials). v0 may leave [0, unit).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from spikewright.ann.source import Source
from spikewright.conversion.calibrators._means import gaps
from spikewright.data.progress import Progress, silent
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.schedules import Drive


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanPotential:
    """One correction a neuron."""

    kind: Literal["mean_potential"] = "mean_potential"

    def __call__(
        self, blueprint: Blueprint, source: Source, batches: Sequence[Any], *, on_progress: Progress = silent
    ) -> Blueprint:
        """Calibrate on prepared inputs."""
        found = gaps(blueprint, source, batches, mean=_by_neuron, repair=_raise_potential, on_progress=on_progress)
        names = {f"{stage}.initial_potential": gap for stage, gap in found.items()}
        raised = {name: blueprint.arrays[name] + gap for name, gap in names.items()}
        return Blueprint(blueprint.plan, {**blueprint.arrays, **raised})


def _by_neuron(value: Tensor, axis: int) -> Tensor:  # noqa: ARG001
    return value.mean(0)


def _raise_potential(drive: Drive, gap: Tensor) -> Drive:
    return drive._replace(initial=drive.initial + gap * drive.threshold)
