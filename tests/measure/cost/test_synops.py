"""Spike counts and SynOps against the spike trains themselves and against NeuroBench's counter."""

from dataclasses import replace

import pytest
import torch
from neurobench.metrics.workload.synaptic_operations import SynapticOperations
from neurobench.models import TorchModel
from support.by_hand import Builder, conv2d
from torch import Tensor, nn

from spikewright.ann.ops.moves import Reshape
from spikewright.ann.ops.products import Linear
from spikewright.ann.source import INPUT
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.errors import BadData
from spikewright.measure.cost.fan_out import fan_out
from spikewright.measure.cost.synops import (
    Counts,
    input_spikes_per_sample,
    spikes_per_neuron,
    synops_hidden_per_sample,
    synops_per_sample,
)
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code


def small() -> Blueprint:
    net = Builder((2, 7, 7))
    net.add("a", conv2d(padding=1), INPUT, weight=net.weight(4, 2, 3, 3), code=Code.bit_planes(3))
    net.add("b", conv2d(stride=2, padding=2), "a", weight=net.weight(6, 4, 3, 3), code=Code.rate(4))
    net.add("flat", Reshape(shape=(150,)), "b")
    net.add("c", Linear(), "flat", weight=net.weight(8, 150), code=Code.bit_planes(2))
    net.add("out", Linear(), "c", weight=net.weight(3, 8))
    return net.done()


def inputs(samples: int = 6) -> Tensor:
    return torch.randn(samples, 2, 7, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def neurobench_acs(layer: nn.Module, weight: Tensor, spikes: Tensor) -> float:
    """NeuroBench's effective accumulations of one layer on 0/1 spikes [T·N, *], in total."""
    layer = layer.double()
    layer.weight.data = weight.clone()  # pyright: ignore
    model = TorchModel(nn.Sequential(layer))
    model.register_hooks()
    metric = SynapticOperations()
    found = metric(model, model(spikes), (spikes, None))
    assert found["Effective_MACs"] == 0
    return found["Effective_ACs"] * len(spikes)


def test_synops_are_neurobenchs_effective_acs() -> None:
    blueprint, x = small(), inputs()
    network = build(blueprint, dtype=torch.float64)
    trains = {r.node.name: r.train.flatten(0, 1) for r in network.walk(x) if isinstance(r, StageRecord)}
    layers = {
        "b": (nn.Conv2d(4, 6, 3, stride=2, padding=2), trains["a"]),
        "c": (nn.Linear(150, 8), trains["b"].flatten(1)),
        "out": (nn.Linear(8, 3), trains["c"]),
    }
    expected = sum(neurobench_acs(layer, blueprint.arrays[f"{name}.weight"], s) for name, (layer, s) in layers.items())
    counts = Counts.empty(blueprint.plan).add_all(network.collapse(x))
    assert expected > 10_000
    assert synops_per_sample(counts, fan_out(blueprint)) == pytest.approx(expected / len(x), rel=1e-12)
    assert synops_hidden_per_sample(counts, fan_out(blueprint)) == synops_per_sample(counts, fan_out(blueprint))
    assert input_spikes_per_sample(counts) == 0


def test_both_engines_and_any_split_into_batches_count_the_same() -> None:
    blueprint, x = small(), inputs()
    network = build(blueprint, dtype=torch.float64)
    whole = Counts.empty(blueprint.plan).add_all(network.walk(x))
    parts = Counts.empty(blueprint.plan)
    for part in x.split(4):
        parts = parts.add_all(network.collapse(part))
    assert whole.samples == parts.samples == 6
    for name, stage in whole.stages.items():
        assert torch.equal(stage.spikes, parts.stages[name].spikes)
        assert stage.active_codes == parts.stages[name].active_codes
        assert stage.spikes.dtype is torch.float64


def test_figures_are_those_of_the_trains() -> None:
    blueprint, x = small(), inputs()
    records = [r for r in build(blueprint, dtype=torch.float64).walk(x) if isinstance(r, StageRecord)]
    spikes = sum(int(record.train.sum()) for record in records)
    neurons = 4 * 49 + 150 + 8
    counts = Counts.empty(blueprint.plan).add_all(build(blueprint, dtype=torch.float64).collapse(x))
    assert counts.neurons == neurons
    assert counts.codes == 6 * neurons
    assert spikes_per_neuron(counts) == pytest.approx(spikes / (6 * neurons))
    active = sum(int((record.codes > 0).sum()) for record in records)
    assert counts.active_share == pytest.approx(active / (6 * neurons))
    assert counts.dead_stages == ()


def test_adding_leaves_the_counts_before_as_they_were() -> None:
    blueprint = small()
    before = Counts.empty(blueprint.plan)
    before.add_all(build(blueprint, dtype=torch.float64).collapse(inputs()))
    assert before.samples == 0
    assert not any(bool(stage.spikes.any()) for stage in before.stages.values())


def test_a_silent_network_has_dead_stages_and_no_events() -> None:
    net = Builder((3,))
    net.add("a", Linear(), INPUT, weight=torch.ones(4, 3, dtype=torch.float64), code=Code.rate(2))
    net.add("out", Linear(), "a", weight=net.weight(2, 4))
    blueprint = net.done()
    x = -torch.ones(5, 3, dtype=torch.float64)
    counts = Counts.empty(blueprint.plan).add_all(build(blueprint, dtype=torch.float64).collapse(x))
    assert counts.dead_stages == ("a",)
    assert synops_per_sample(counts, fan_out(blueprint)) == 0
    assert spikes_per_neuron(counts) == 0


def test_input_spikes_are_counted_apart_from_hidden_ones() -> None:
    blueprint = small()
    counts = Counts.empty(blueprint.plan).add_all(build(blueprint, dtype=torch.float64).collapse(inputs(2)))
    train = torch.zeros(3, 2, 2, 7, 7)
    train[:, 0, 1, 2, 3] = 1
    train[0, 1, 0, 0, 0] = 1
    counts = counts.add_input(train[:2]).add_input(train[2:])
    flow = fan_out(blueprint)
    with_input = replace(
        flow, accumulations={**flow.accumulations, INPUT: torch.full((2, 7, 7), 5.0, dtype=torch.float64)}
    )
    assert input_spikes_per_sample(counts) == 2
    hidden = synops_hidden_per_sample(counts, with_input)
    assert synops_per_sample(counts, with_input) == pytest.approx(hidden + 4 * 5 / 2)
    with pytest.raises(BadData, match="graded"):
        synops_per_sample(counts, flow)


def test_nothing_counted_is_refused() -> None:
    blueprint = small()
    with pytest.raises(BadData, match="no samples"):
        synops_per_sample(Counts.empty(blueprint.plan), fan_out(blueprint))
