"""What networks are worth without faults: a candidate's figures from one pass, and the trained network's beside them.

    candidate: accuracy, spikes → joules, stages that never fire     (the collapsed engine, float32)
    trained network: its weights rounded to the same bits → accuracy; its multiplications → joules
Both sides' joules are of one table, so that a ratio never mixes number formats.

Source: "Reliability-Aware Hyperparameter Optimization for ANN-to-SNN Conversion", Algorithm 1, lines 7-9 and 15, and
§II (energy is counted in the same pass as accuracy). Differs: the paper compares counts of operations.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from spikewright.ann.source import Source
from spikewright.conversion.quantise import load, store
from spikewright.engines.network import build
from spikewright.errors import BadData
from spikewright.measure.cost.energy import energy_joules_source, energy_table
from spikewright.measure.cost.fan_out import fan_out, macs_source, work_source
from spikewright.measure.cost.synops import Counts
from spikewright.measure.scoring import accuracy_of_source, figures, score_batch
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.uniform import Uniform

Labelled = Iterable[tuple[Tensor, Tensor]]  # prepared inputs [N, *input_shape] and labels [N]


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """A candidate without faults, on the validation split; accuracy is a share 0..1, energy that of one image."""

    accuracy: float
    energy_joules: float
    weight_bytes: int
    membrane_bytes_peak: int
    latency_steps: int
    timesteps_mean: float
    spikes_per_neuron: float
    dead_stages: tuple[str, ...]
    images: int

    @property
    def memory_bytes(self) -> int:
        """Weights as stored, and the membranes of the largest stage."""
        return self.weight_bytes + self.membrane_bytes_peak

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data."""
        return {**asdict(self), "dead_stages": list(self.dead_stages), "memory_bytes": self.memory_bytes}


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The trained network with weights of so many bits: accuracy on the validation split, joules an image."""

    bits: int
    accuracy: float
    energy_joules: float

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data."""
        return asdict(self)


def golden(
    blueprint: Blueprint, source: Source, labelled: Labelled, *, table: str, seen: Callable[[int], None] | None = None
) -> Golden:
    """Run a candidate over the images that it is judged by.

    Args:
        blueprint: the candidate.
        source: the trained network, which says how many multiplications the same topology has.
        labelled: prepared inputs and labels.
        table: a name of `measure.cost.energy.TABLES`.
        seen: called with the number of images so far.

    Raises:
        BadData: no images.
    """
    network, right, counts = build(blueprint), 0, Counts.empty(blueprint.plan)
    with torch.no_grad():
        for x, labels in labelled:
            hits, counts = score_batch(network, x.float(), labels, counts)
            right += int(hits.sum())
            if seen is not None:
                seen(counts.samples)
    if not counts.samples:
        raise BadData("search: no validation images to judge by: give a data set that is not empty")
    found = figures(blueprint, source, fan_out(blueprint), counts, table=table)
    copied = ("weight_bytes", "membrane_bytes_peak", "latency_steps", "timesteps_mean", "spikes_per_neuron")
    return Golden(
        accuracy=right / counts.samples,
        energy_joules=found["energy_joules_snn"],
        dead_stages=counts.dead_stages,
        images=counts.samples,
        **{name: found[name] for name in copied},
    )


def rounded(source: Source, bits: int, *, per_channel: bool = False) -> Source:
    """The trained network with its weights rounded to so many bits.

    Raises:
        BadModel: it has no weights to round.
        BadSetting: bits outside 2..16.
    """
    return load(source, store(source, Uniform(bits=bits, per_channel=per_channel)))


def baseline(source: Source, labelled: Labelled, *, bits: int, per_channel: bool, table: str) -> Baseline:
    """What candidates of so many bits are compared with.

    Raises:
        BadData: no images, or none that it gets right: nothing could be compared with it.
        BadModel, BadSetting: as `rounded`.
    """
    accuracy = accuracy_of_source(rounded(source, bits, per_channel=per_channel), labelled)
    if not accuracy:
        raise BadData(
            f"search: the trained network, rounded to {bits} bits, gets no validation image right: give more bits, or "
            "check the data"
        )
    joules = energy_joules_source(energy_table(table), macs_source(source), work_source(source))
    return Baseline(bits=bits, accuracy=accuracy, energy_joules=joules)
