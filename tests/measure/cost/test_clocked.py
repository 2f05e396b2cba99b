"""The figures of a clocked network by hand, and its accumulations as NeuroBench counts them."""

from dataclasses import replace

import pytest
import torch
from support.by_hand import Builder, conv2d
from torch import Tensor, nn

from measure.cost.test_synops import neurobench_acs
from spikewright.ann.ops.arithmetic import Scale
from spikewright.ann.ops.moves import Reshape
from spikewright.ann.ops.pools import MaxPool
from spikewright.ann.ops.products import Linear
from spikewright.ann.source import INPUT
from spikewright.engines.network import build
from spikewright.engines.record import StageRecord
from spikewright.measure.cost.energy import TABLES, energy_snn
from spikewright.measure.cost.fan_out import fan_out
from spikewright.measure.cost.latency import latency_steps, timesteps_mean, timesteps_mean_neurons
from spikewright.measure.cost.memory import memory_bytes
from spikewright.measure.cost.neuron_operations import neuron_operations
from spikewright.measure.cost.synops import Counts, input_spikes_per_sample, spikes_per_neuron, synops_per_sample
from spikewright.measure.scoring import figures, score_batch
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code
from spikewright.snn.encoders.bernoulli import Bernoulli
from spikewright.snn.encoders.direct import Direct
from spikewright.snn.encoders.frames import Frames
from spikewright.snn.ends import AnyEncoder
from spikewright.snn.formats.membrane import MembraneFormat
from spikewright.snn.formats.uniform import Uniform
from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.schedules.clocked import Clocked

T = 3
MEMBRANE = MembraneFormat(bits=4, scale=2.0)
POOL = MaxPool(kernel=(2, 2), stride=(2, 2), padding=(0, 0), dilation=(1, 1))


def network(encoder: AnyEncoder) -> Blueprint:
    """a: convolution, max pool, gain, 12 neurons → narrow → c: 5 neurons → d → out; narrow and d only pass on."""
    net = Builder((2, 4, 4), encoder=encoder)
    stage = {"code": Code.rate(T), "schedule": Clocked()}
    net.add("a", conv2d(padding=1), INPUT, weight=net.weight(3, 2, 3, 3), before=[POOL, Scale()], **stage)
    net.add("narrow", conv2d(), "a", weight=net.weight(2, 3, 1, 1))
    net.add("flat", Reshape(shape=(8,)), "narrow")
    net.add("c", Linear(), "flat", weight=torch.randint(-7, 8, (5, 8), generator=net.generator).double(), **stage)
    net.add("d", Linear(), "c", weight=net.weight(4, 5))
    net.add("out", Linear(), "d", weight=net.weight(3, 4))
    net.arrays["c.weight"] = net.arrays["c.weight"].to(torch.int8)
    net.arrays |= {"c.gain": torch.full((5,), 0.1), "a.bias": net.weight(3, 1, 1)}
    made = net.done()
    nodes = {node.name: node for node in made.plan.nodes}
    law = Leaky(leak=0.5, membrane=MEMBRANE)
    nodes["a"] = replace(nodes["a"], firing=replace(nodes["a"].firing, law=law))
    nodes["c"] = replace(
        nodes["c"], firing=replace(nodes["c"].firing, law=Leaky(reset="hard")), weights=Uniform(bits=4)
    )
    return Blueprint(replace(made.plan, nodes=tuple(nodes.values())), made.arrays)


def inputs(encoder: AnyEncoder) -> Tensor:
    shape = (4, T, 2, 4, 4) if encoder.timed else (4, 2, 4, 4)
    x = torch.rand(shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    return (x * 3).floor() if encoder.timed else x  # frames hold numbers of events


ENCODERS = [Direct(T), Bernoulli(T, 1), Frames(T)]
INSIDE = 100  # products of a 3x3 kernel over a 4x4 image, padding left out: (2 + 3 + 3 + 2)²


@pytest.mark.parametrize("encoder", ENCODERS)
def test_multiplications(encoder: AnyEncoder) -> None:
    """What never changes is multiplied once, what a stage waits for at every step, what the read-out sums once."""
    found = fan_out(network(encoder))
    gains = 3 * 2 * 2  # of 1/2: shifts
    constant = encoder.kind == "direct"
    assert found.macs_by_node == {**({"a": INSIDE * 6} if constant else {}), "c": 8 * 5 * T, "out": 4 * 3}
    assert found.shifts_by_node == {"a": gains if constant else gains * T}
    assert found.macs_dense_per_sample == INSIDE * 6 + 3 * 2 * 4 + 8 * 5 + 5 * 4 + 4 * 3


@pytest.mark.parametrize("encoder", ENCODERS)
def test_accumulations_are_neurobenchs(encoder: AnyEncoder) -> None:
    blueprint, x = network(encoder), inputs(encoder)
    trains = {
        r.node.name: r.train.flatten(0, 1)
        for r in build(blueprint, dtype=torch.float64).walk(x)
        if isinstance(r, StageRecord)
    }
    weight = blueprint.arrays
    expected = neurobench_acs(nn.Conv2d(3, 2, 1), weight["narrow.weight"], trains["a"])
    expected += neurobench_acs(nn.Linear(5, 4), weight["d.weight"], trains["c"])
    if encoder.kind == "bernoulli":
        spikes = encoder(x)
        expected += neurobench_acs(nn.Conv2d(2, 3, 3, padding=1), weight["a.weight"], spikes.flatten(0, 1))
    if encoder.kind == "frames":  # so many events, each of which accumulates
        for level in range(1, 4):
            spikes = (encoder(x) >= level).double().flatten(0, 1)
            if bool(spikes.any()):
                expected += neurobench_acs(nn.Conv2d(2, 3, 3, padding=1), weight["a.weight"], spikes)
    counts = Counts.empty(blueprint.plan)
    right, counts = score_batch(build(blueprint, dtype=torch.float64), x, torch.zeros(4, dtype=torch.int64), counts)
    assert synops_per_sample(counts, fan_out(blueprint)) == pytest.approx(expected / 4, rel=1e-12)
    assert expected > 100 and 0 <= int(right.sum()) <= 4
    arrived = 0.0 if encoder.kind == "direct" else float(encoder(x).sum()) / 4
    assert input_spikes_per_sample(counts) == pytest.approx(arrived)
    fired = sum(float(train.sum()) for train in trains.values())
    assert spikes_per_neuron(counts) == pytest.approx(fired / (4 * (12 + 5)))


@pytest.mark.parametrize("encoder", ENCODERS)
def test_neurons_time_and_energy(encoder: AnyEncoder) -> None:
    blueprint, x = network(encoder), inputs(encoder)
    found = neuron_operations(blueprint, fan_out(blueprint))
    assert found.shifts == 0
    assert found.compares == found.resets == (12 + 5) * T
    assert (found.leak_shifts, found.leak_multiplications) == (12 * T, 0)  # a's is 1/2, c's 1
    # a's current is worked out once and added at every step, if the input never changes; c's comes at every step
    assert found.injections == (12 * T if encoder.kind == "direct" else 0)
    assert latency_steps(blueprint.plan) == T
    assert timesteps_mean(blueprint.plan) == timesteps_mean_neurons(blueprint.plan) == T
    counts = Counts.empty(blueprint.plan)
    _, counts = score_batch(build(blueprint, dtype=torch.float64), x, torch.zeros(4, dtype=torch.int64), counts)
    flow = fan_out(blueprint)
    synops = synops_per_sample(counts, flow)
    joules = (0.1 * (synops + found.injections) + 3.2 * flow.macs_per_sample) * 1e-12  # it prices no shift
    energy = energy_snn(
        TABLES["horowitz_int32"], synops_per_sample=synops, macs_per_sample=flow.macs_per_sample, operations=found
    )
    assert energy.total_joules == pytest.approx(joules, rel=1e-9, abs=0)
    reported = figures(blueprint, None, flow, counts, table="horowitz_int32")
    assert reported["energy_joules_snn"] == pytest.approx(joules, rel=1e-9, abs=0)
    assert reported["energy_joules_source"] == pytest.approx(flow.macs_dense_per_sample * 3.2e-12, rel=1e-9, abs=0)


def test_memory() -> None:
    """Membranes of a are those of the pooled neurons, in 4 bits; c's are whole. Gains stand before a's firing too."""
    found = memory_bytes(network(Direct(T)))
    assert found.membrane_bytes_peak == 5 * 32 // 8
    assert found.membrane_bytes_all == (12 * 4 + 5 * 32) // 8
    assert found.weight_bytes == 4 * (54 + 6 + 20 + 12) + 40 * 4 // 8
    assert found.gain_bytes == 4 * (5 + 3)
    assert found.bias_bytes == 4 * (3 + 3)
    assert found.constant_bytes == 4 * 3 * 2
