"""What a run over samples says of a network: how often it is right, how often it spikes, and what that costs.

The part of an evaluation that is cheap: the collapsed engine alone, no reference, no certificate. Comparing and
searching use it for every candidate.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.ends import Batch, moved, output_named, values_at_start
from spikewright.ann.source import Source
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.engines.runtimes import Runner
from spikewright.measure.accuracy import correct, output_of, predictions
from spikewright.measure.cost.energy import energy_joules_source, energy_snn, energy_table
from spikewright.measure.cost.fan_out import FanOut, fan_out, macs_source, spiking_inputs, work_source
from spikewright.measure.cost.latency import latency_steps, timesteps_mean, timesteps_mean_neurons
from spikewright.measure.cost.memory import memory_bytes
from spikewright.measure.cost.neuron_operations import neuron_operations
from spikewright.measure.cost.synops import (
    Counts,
    input_spikes_per_sample,
    spikes_per_neuron,
    synops_hidden_per_sample,
    synops_per_sample,
)
from spikewright.snn.blueprint import Blueprint

Labelled = Iterable[tuple[Batch, Tensor]]  # prepared inputs [N, *input_shape] and labels [N]
Seen = Callable[[int], None]  # called with the number of samples seen so far


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One network's figures on one set of samples; accuracy is a share 0..1."""

    accuracy_snn: float
    timesteps_mean: float
    latency_steps: int
    energy_joules_snn: float
    spikes_per_neuron: float
    samples: int


def score(
    blueprint: Blueprint,
    source: Source,
    batches: Labelled,
    *,
    table: str,
    device: torch.device | None = None,
    dtype: torch.dtype = torch.float32,
    seen: Seen | None = None,
) -> Score:
    """Run a network by the collapsed engine.

    Args:
        blueprint: the network.
        source: what it was converted from.
        batches: prepared inputs and labels.
        table: a name of `measure.cost.energy.TABLES`.
        device: where to run.
        dtype: what to compute in; a network that equals its source has that source's accuracy in float64, while in
            float32 either may round a code to the other side.
        seen: called after each batch.
    """
    network = build(blueprint, dtype=dtype).to(device)
    output = output_of({name: node.shape for name, node in blueprint.plan.outputs.items()}, None, "score")
    right, counts = 0, Counts.empty(blueprint.plan)
    with torch.no_grad():
        for x, labels in batches:
            hits, counts = score_batch(network, moved(x, device, dtype), labels.to(device), counts, output)
            right += int(hits.sum())
            if seen is not None:
                seen(counts.samples)
    found = figures(blueprint, source, fan_out(blueprint), counts, table=table)
    return Score(
        accuracy_snn=right / max(counts.samples, 1),
        samples=counts.samples,
        **{name: found[name] for name in ("timesteps_mean", "latency_steps", "energy_joules_snn", "spikes_per_neuron")},
    )


def accuracy_of_source(
    source: Source, batches: Labelled, *, device: torch.device | None = None, dtype: torch.dtype = torch.float32
) -> float:
    """Share of samples that the source gets right, as it was trained; `device` and `dtype` as of `score`."""
    arrays = {
        name: array.to(device, dtype if array.is_floating_point() else None) for name, array in source.arrays.items()
    }
    right = samples = 0
    output = output_of({each.name: source.shapes[each.node] for each in source.outputs}, None, "score")
    with torch.no_grad():
        for x, labels in batches:
            outputs = interpreter.run(source, moved(x, device, dtype), arrays=arrays)
            right += correct(output_named(outputs, output), labels.to(device))
            samples += len(x)
    return right / max(samples, 1)


def score_batch(
    network: Runner, x: Batch, labels: Tensor, counts: Counts, output: str | None = None
) -> tuple[Tensor, Counts]:
    """Which answers of one batch are right, bool [N], by the output of that name; the counts with its spikes more."""
    right = torch.zeros_like(labels, dtype=torch.bool)
    spiking = spiking_inputs(network.plan)
    if spiking:
        values = values_at_start(network.plan.inputs, x, torch.float32)
        for name in spiking:
            counts = counts.add_input(network.plan.encoder(values[name]), name)
    for record in network.collapse(x):
        counts = counts.add(record)
        if not isinstance(record, StageRecord) and output in (None, record.output):
            right = predictions(record.codes) == labels
    return right, counts


def figures(blueprint: Blueprint, source: Source | None, flow: FanOut, counts: Counts, *, table: str) -> dict[str, Any]:
    """The figures that follow from the plan and the counts."""
    prices = energy_table(table)
    memory = memory_bytes(blueprint)
    synops = synops_per_sample(counts, flow)
    macs = flow.macs_dense_per_sample if source is None else macs_source(source)
    work = flow.work if source is None else work_source(source)
    operations = neuron_operations(blueprint, flow)
    energy = energy_snn(
        prices,
        synops_per_sample=synops,
        macs_per_sample=flow.macs_per_sample,
        operations=operations,
        scale_shifts=flow.shifts_per_sample,
        work=flow.work,
    )
    return {
        "timesteps_mean": timesteps_mean(blueprint.plan),
        "timesteps_mean_neurons": timesteps_mean_neurons(blueprint.plan),
        "latency_steps": latency_steps(blueprint.plan),
        "spikes_per_neuron": spikes_per_neuron(counts),
        "input_spikes_per_sample": input_spikes_per_sample(counts),
        "synops_per_sample": synops,
        "synops_hidden_per_sample": synops_hidden_per_sample(counts, flow),
        "macs_per_sample": flow.macs_per_sample,
        "macs_source_per_sample": macs,
        "leak_multiplications_per_sample": operations.leak_multiplications,
        "leak_shifts_per_sample": operations.leak_shifts,
        "graded_nodes": tuple(flow.work_by_node),
        **{f"graded_{what}_per_sample": count for what, count in flow.work._asdict().items() if what != "macs"},
        "energy_table": table,
        "energy_joules_source": energy_joules_source(prices, macs, work),
        "energy_joules_snn": energy.total_joules,
        "weight_bytes": memory.weight_bytes,
        "membrane_bytes_peak": memory.membrane_bytes_peak,
        "membrane_bytes_all": memory.membrane_bytes_all,
        "dead_stages": len(counts.dead_stages),
    }
