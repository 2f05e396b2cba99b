"""Figures without faults, against sums over a stepwise run and against `evaluate`'s own way."""

from functools import cache

import pytest
import torch
from support.trained import classifier, digits

from spikewright.ann import interpreter
from spikewright.conversion.convert import convert
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.conversion.quantise import quantise
from spikewright.engines.network import build
from spikewright.errors import BadData
from spikewright.exploration.figures.fault_free import baseline, golden, rounded
from spikewright.measure.evaluation import evaluate
from spikewright.measure.samples import Prepared, batches, prepared
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.uniform import Uniform

TABLE = "horowitz_int32"


@cache
def images() -> Prepared:
    return prepared(digits().validation, digits().preparation)


@cache
def network() -> Blueprint:
    calibration = [x for x, _ in batches(prepared(digits().train, digits().preparation, limit=100))]
    return quantise(convert(classifier(), Qcfs(timesteps=4), calibration), Uniform(bits=8))


def test_figures_are_those_of_the_stepwise_run_and_of_evaluate() -> None:
    found = golden(network(), classifier(), batches(images(), size=50), table=TABLE)
    readout = list(build(network()).walk(images().inputs))[-1]
    right = sum(int(row.argmax()) == int(label) for row, label in zip(readout.codes, images().labels, strict=True))
    assert found.accuracy == right / len(images().labels)
    assert found.images == len(images().labels) == 136
    other = evaluate(network(), classifier(), images_as_data())
    assert found.accuracy == other.accuracy_snn
    assert found.energy_joules == pytest.approx(other.energy_joules_snn, rel=1e-9, abs=0)
    assert found.spikes_per_neuron == pytest.approx(other.spikes_per_neuron)
    assert (found.latency_steps, found.timesteps_mean) == (other.latency_steps, other.timesteps_mean)
    assert found.weight_bytes == 64 * 20 + 20 * 12 + 12 * 10  # 8 bits each
    assert found.memory_bytes == found.weight_bytes + other.membrane_bytes_peak
    assert found.dead_stages == ()
    assert found.to_json()["memory_bytes"] == found.memory_bytes


def images_as_data() -> Prepared:
    return images()


def test_dead_stages_are_named() -> None:
    stored = network()
    stage = stored.plan.stages[1]
    arrays = {**stored.arrays, f"{stage.name}.threshold": stored.arrays[f"{stage.name}.threshold"] * 1e6}
    arrays[f"{stage.name}.initial_potential"] = arrays[f"{stage.name}.initial_potential"] * 0
    found = golden(Blueprint(stored.plan, arrays), classifier(), batches(images()), table=TABLE)
    assert found.dead_stages == (stage.name,)


@pytest.mark.parametrize(("bits", "per_channel"), [(8, False), (3, False), (3, True)])
def test_the_trained_network_is_rounded_as_candidates_are(bits: int, per_channel: bool) -> None:
    found = baseline(classifier(), batches(images()), bits=bits, per_channel=per_channel, table=TABLE)
    arrays = dict(classifier().arrays)
    for node in classifier().nodes:
        if node.op.kind == "linear":
            name = dict(node.arrays)["weight"]
            weight = arrays[name]
            top = weight.abs().amax(1, keepdim=True) if per_channel else weight.abs().max()
            scale = top / (2 ** (bits - 1) - 1)
            arrays[name] = (weight / scale).round() * scale
    scores = interpreter.run(classifier(), images().inputs, arrays=arrays)
    assert found.accuracy == float((scores.argmax(1) == images().labels).double().mean())
    assert found.energy_joules == pytest.approx((64 * 20 + 20 * 12 + 12 * 10) * 3.2e-12, rel=1e-9, abs=0)
    mine = rounded(classifier(), bits, per_channel=per_channel)
    torch.testing.assert_close(interpreter.run(mine, images().inputs), scores)


def test_nothing_to_judge_by_is_refused() -> None:
    empty = Prepared(torch.zeros(0, 1, 8, 8), torch.zeros(0, dtype=torch.int64))
    with pytest.raises(BadData, match="no validation images to judge by"):
        golden(network(), classifier(), batches(empty), table=TABLE)
    wrong = Prepared(images().inputs[:1], (images().labels[:1] + 1) % 10)
    with pytest.raises(BadData, match="rounded to 8 bits, gets no validation image right"):
        baseline(classifier(), batches(wrong), bits=8, per_channel=False, table=TABLE)
