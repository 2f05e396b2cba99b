"""Spike counts of a run, gathered over batches from what an engine records, and the figures made of them.

    SynOps per sample = Σ_stages Σ_neurons spikes · fan-out / samples
Works on any engine: it reads records, not networks. Immutable: `add` returns the counts with a batch more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from spikewright.ann.source import INPUT
from spikewright.engines.record import Record, StageRecord
from spikewright.errors import BadData
from spikewright.measure.cost.fan_out import FanOut
from spikewright.measure.cost.synapses import elements
from spikewright.snn.plan import Plan


@dataclass(frozen=True, slots=True, eq=False)
class StageCounts:
    """One stage's spikes over all samples.

    Attributes:
        spikes: per neuron, summed over samples and the window, [*features] float64.
        active_codes: how many codes were above zero.

    """

    spikes: Tensor
    active_codes: int = 0

    @property
    def neurons(self) -> int:
        """How many neurons the stage has."""
        return self.spikes.numel()

    @property
    def spikes_total(self) -> int:
        """All spikes of all samples."""
        return int(self.spikes.sum())


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Counted so far: `stages` by name in the plan's order, `input_spikes` [*input_shape] by input that spikes.

    Samples are counted where the output named `sampled_by` is read.
    """

    stages: Mapping[str, StageCounts]
    input_spikes: Mapping[str, Tensor] = field(default_factory=dict)
    samples: int = 0
    sampled_by: str | None = None

    @classmethod
    def empty(cls, plan: Plan) -> "Counts":
        """Nothing counted yet."""
        zeros = {node.name: torch.zeros(node.shape, dtype=torch.float64) for node in plan.stages}
        counts = {name: StageCounts(spikes) for name, spikes in zeros.items()}
        return cls(counts, sampled_by=plan.readouts[0].name)

    def add(self, record: Record) -> "Counts":
        """These counts with one record more; a read-out's record adds its samples and no spikes."""
        if not isinstance(record, StageRecord):
            if None not in (record.output, self.sampled_by) and record.output != self.sampled_by:
                return self
            return replace(self, samples=self.samples + len(record.codes))
        name = record.node.name
        before = self.stages[name]
        spikes = record.counts.sum(0, dtype=torch.float64).cpu()
        after = StageCounts(before.spikes + spikes, before.active_codes + int((record.codes != 0).sum()))
        return replace(self, stages={**self.stages, name: after})

    def add_all(self, records: Iterable[Record]) -> "Counts":
        """These counts with a whole run's records more."""
        counts = self
        for record in records:
            counts = counts.add(record)
        return counts

    def add_input(self, train: Tensor, name: str = INPUT) -> "Counts":
        """These counts with the 0/1 spikes [T, N, *input_shape] of an input, of a batch, more."""
        spikes = train.sum((0, 1), dtype=torch.float64).cpu()
        before = self.input_spikes.get(name)
        return replace(self, input_spikes={**self.input_spikes, name: spikes if before is None else before + spikes})

    @property
    def codes(self) -> int:
        """How many codes were emitted: neurons times samples."""
        return self.neurons * self.samples

    @property
    def neurons(self) -> int:
        """Neurons of all stages."""
        return sum(stage.neurons for stage in self.stages.values())

    @property
    def active_share(self) -> float:
        """Share of codes above zero."""
        return sum(stage.active_codes for stage in self.stages.values()) / max(self.codes, 1)

    @property
    def dead_stages(self) -> tuple[str, ...]:
        """The stages that emitted no spike in the whole run."""
        return tuple(name for name, stage in self.stages.items() if not bool(stage.spikes.any()))


def spikes_per_neuron(counts: Counts) -> float:
    """Mean spikes of a hidden neuron over the whole window, per sample."""
    return sum(stage.spikes_total for stage in counts.stages.values()) / max(counts.codes, 1)


def input_spikes_per_sample(counts: Counts) -> float:
    """Mean spikes of the input, per sample; 0 for a graded input."""
    spikes = sum(float(each.sum()) for each in counts.input_spikes.values())
    return spikes / _samples(counts) if counts.input_spikes else 0.0


def synops_hidden_per_sample(counts: Counts, fan_out: FanOut) -> float:
    """Accumulations that the spikes of all stages cause, those of input spikes left out, per sample.

    Raises:
        BadData: nothing was counted.

    """
    total = sum(_caused(stage.spikes, fan_out.accumulations[name]) for name, stage in counts.stages.items())
    return total / _samples(counts)


def synops_per_sample(counts: Counts, fan_out: FanOut) -> float:
    """Accumulations that all spikes cause, those of the input included, per sample.

    Raises:
        BadData: nothing was counted, or input spikes were counted for a network whose input is graded.

    """
    hidden = synops_hidden_per_sample(counts, fan_out)
    if not set(counts.input_spikes) <= set(fan_out.accumulations):
        raise BadData("input spikes were counted, but the network's input is graded: do not count its input")
    caused = sum(_caused(spikes, fan_out.accumulations[name]) for name, spikes in counts.input_spikes.items())
    return hidden + caused / _samples(counts) if counts.input_spikes else hidden


def _caused(spikes: Tensor, accumulations: Tensor) -> float:
    if elements(spikes.shape) != elements(accumulations.shape):
        raise BadData(f"counts {tuple(spikes.shape)} do not fit a fan-out {tuple(accumulations.shape)}")
    return float(torch.dot(spikes.flatten(), accumulations.flatten()))


def _samples(counts: Counts) -> int:
    if not counts.samples:
        raise BadData("no samples were counted: run at least one batch")
    return counts.samples
