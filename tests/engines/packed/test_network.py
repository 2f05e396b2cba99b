"""What a packed network refuses, tells and holds; that it is equal is tested with its engine."""

from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.observe import observe
from spikewright.engines.network import build
from spikewright.engines.packed.network import PackedNetwork
from spikewright.engines.record import StageRecord
from spikewright.errors import BadData, BadFile, BadPlan
from spikewright.interchange.run_folder import load_blueprint, load_packed, save_blueprint
from spikewright.measure.cost.memory import memory_bytes
from spikewright.models.resnet import ResNet
from spikewright.snn.blueprint import Blueprint
from spikewright.training.snn.network import TrainingNetwork
from spikewright.training.snn.recipes import options, spiking_training


@cache
def source() -> Source:
    torch.manual_seed(0)
    return capture(ResNet((64, 128), (1, 1), channels=3, classes=5).eval(), torch.rand(2, 3, 8, 8))


@cache
def blueprint(weight_bits: int = 1) -> Blueprint:
    torch.manual_seed(0)
    chosen = options({"membrane_bits": 4, "weight_bits": weight_bits, "timesteps": 3}, "paper3")
    network = TrainingNetwork(source(), spiking_training(chosen).network).train()
    with torch.no_grad():
        for _ in range(20):
            network(torch.rand(2, 3, 8, 8) * 2)
    return network.eval().freeze()


def test_records_are_those_of_the_float_form() -> None:
    x = torch.rand(3, 3, 8, 8) * 2
    network = PackedNetwork(blueprint())
    with torch.no_grad():
        expected = list(build(blueprint()).walk(x))
    for records, trains in ((list(network.collapse(x)), False), (list(network.walk(x)), True)):
        assert [record.node for record in records] == [record.node for record in expected]
        for found, wanted in zip(records, expected, strict=True):
            assert torch.equal(found.codes, wanted.codes)
            assert type(found) is type(wanted)
            if isinstance(found, StageRecord):
                assert (found.train is not None) == trains
                assert torch.equal(found.spikes, wanted.spikes)
                assert int(found.spikes.sum()) > 0
    assert torch.equal(network(x), expected[-1].codes)
    assert not network(x).requires_grad


def test_it_holds_little_more_than_is_stored() -> None:
    """Each weight in a bit; beside it, what folding makes of gains and biases, some of them twice."""
    network, memory = PackedNetwork(blueprint()), memory_bytes(blueprint())
    beside = memory.gain_bytes + memory.bias_bytes + memory.constant_bytes
    assert memory.weight_bytes < network.stored_bytes < memory.weight_bytes + 4 * beside
    words = sum(layer.words.nbytes for layer in network._packed.layers.values())
    hidden = [node for node in network.plan.nodes if node.name in network.packed_nodes]
    assert words == sum(blueprint().arrays[f"{node.name}.weight"].numel() for node in hidden) // 8
    assert not any(buffer.dim() > 3 for buffer in network._packed.program.buffers())


def test_networks_that_it_does_not_run_are_refused() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2)).eval()
    other = capture(model, torch.rand(2, 3, 4, 4))
    converted = Exact(timesteps=2)(other, observe(other, [torch.rand(4, 3, 4, 4)]))
    stage = converted.plan.stages[0].name
    with pytest.raises(BadPlan, match=rf"stage '{stage}' has schedule 'two_phase'.*run this network with build"):
        PackedNetwork(converted)
    with pytest.raises(BadPlan, match=r"node 'classifier' and all before it have no 1-bit weights.*--weight-bits 1"):
        PackedNetwork(blueprint(weight_bits=4))


def test_inputs_that_do_not_fit_are_refused() -> None:
    network = PackedNetwork(blueprint())
    with pytest.raises(BadData, match=r"takes inputs of shape \(3, 8, 8\), got \(3, 9, 8\)"):
        network(torch.rand(2, 3, 9, 8))
    with pytest.raises(BadData, match=r"float32 on the CPU, the input is torch\.float64"):
        network(torch.rand(2, 3, 8, 8).double())
    with pytest.raises(BadData, match="not finite"):
        network(torch.full((2, 3, 8, 8), float("nan")))
    assert network(torch.randint(0, 2, (2, 3, 8, 8), dtype=torch.uint8)).dtype == torch.float32


def test_a_folder_makes_the_same_network_and_no_float_weight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_blueprint(tmp_path, blueprint(), about={"accuracy": 0.5})
    x = torch.rand(2, 3, 8, 8) * 2
    unpacked = load_blueprint(tmp_path)[0]
    monkeypatch.setattr("spikewright.interchange.run_folder.unpack", None)  # would fail if it were called
    network, about = load_packed(tmp_path)
    assert about == {"accuracy": 0.5}
    assert torch.equal(network(x), PackedNetwork(blueprint())(x))
    assert torch.equal(network(x), PackedNetwork(unpacked)(x))


def test_a_weight_of_the_wrong_length_is_refused(tmp_path: Path) -> None:
    """Before a kernel could read past its end."""
    save_blueprint(tmp_path, blueprint(), about={})
    path = tmp_path / "plan.json"
    text = path.read_text()
    name = "layers.0.conv1.weight"
    assert name in text
    start = text.index("[", text.index(f'"{name}"', text.index('"packed"')))
    path.write_text(text[:start] + text[start:].replace("64", "65", 1))
    with pytest.raises(BadFile, match=r"packed weights .* the file is truncated or belongs to another network"):
        load_packed(tmp_path)
