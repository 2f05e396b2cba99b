"""The packed engine against the stepwise one in float32: every spike of every step, and the read-out, bit for bit."""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.engines.network import build
from spikewright.engines.packed.network import PackedNetwork
from spikewright.engines.record import StageRecord
from spikewright.models.find import build as model_named
from spikewright.models.resnet import ResNet
from spikewright.snn.blueprint import Blueprint
from spikewright.training.snn.network import TrainingNetwork
from spikewright.training.snn.recipes import options, spiking_training


@functools.cache
def source_of(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> Source:
    torch.manual_seed(1)
    return capture(make().eval(), torch.rand(2, *shape))


def frozen(
    make: Callable[[], nn.Module], shape: tuple[int, ...], *, passes: int = 25, images: int = 2, **more: Any
) -> Blueprint:
    """A network whose norms and membrane scales have seen some random batches, so that all of it fires."""
    torch.manual_seed(0)
    source = source_of(make, shape)
    chosen = options({"membrane_bits": 4, **more}, "paper3")
    network = TrainingNetwork(source, spiking_training(chosen).network).train()
    with torch.no_grad():
        for _ in range(passes):
            network(torch.rand(images, *shape) * 2)
    return network.eval().freeze()


def same(blueprint: Blueprint, x: Tensor) -> dict[str, Tensor]:
    """Require equality of everything; the trains, by stage."""
    trains = {}
    slow, fast = build(blueprint), PackedNetwork(blueprint)
    with torch.no_grad():
        for expected, found in zip(slow.walk(x), fast.walk(x), strict=True):
            assert expected.node == found.node
            assert torch.equal(expected.codes, found.codes), expected.node.name
            if isinstance(expected, StageRecord):
                assert isinstance(found, StageRecord)
                assert found.train is not None
                assert torch.equal(expected.train, found.train), expected.node.name
                trains[expected.node.name] = found.train
        assert torch.equal(fast(x), found.codes)
    return trains


def alive(trains: dict[str, Tensor]) -> None:
    for name, train in trains.items():
        assert 0.005 < float(train.mean()) < 0.95, name


PAPER = {
    name: functools.partial(model_named, name, channels=3, size=(16, 16), classes=10, seed=0)
    for name in ("resnet19", "vggsnn")
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PAPER)
@pytest.mark.parametrize("bits", [2, 8])
def test_networks_of_the_paper(name: str, bits: int) -> None:
    blueprint = frozen(PAPER[name], (3, 16, 16), images=1, membrane_bits=bits)
    alive(same(blueprint, torch.rand(2, 3, 16, 16) * 2))
    hidden = {node.name for node in blueprint.plan.nodes if node.weights is not None and node.weights.bits == 1}
    assert set(PackedNetwork(blueprint).packed_nodes) == hidden
    assert len(hidden) == {"resnet19": 18, "vggsnn": 7}[name]


def small_resnet() -> nn.Module:
    """Channels that fill no word, one word, and more than one; shortcuts of both kinds."""
    return ResNet((20, 64, 72), (2, 1, 2), channels=3, classes=5)


@pytest.mark.parametrize(
    "more",
    [
        {"reset": "soft"},
        {"reset": "delayed", "timesteps": 5},
        {"neuron": "if", "leak": 1.0, "threshold": 0.7, "timesteps": 4},
        {"membrane_bits": 32, "timesteps": 4},
        {"membrane_bits": 12, "leak": 0.9, "timesteps": 4, "reset": "soft"},
        {"scale": "power_of_two", "standardise": "channel"},
        {"learn_leak": True, "timesteps": 3},
        {"membrane_bits": 3, "squash": True, "timesteps": 3},
        {"readout": "spikes", "threshold": 0.2},
        {"encoding": "rate", "timesteps": 6, "edge_bits": 1},
        {"edge_bits": 32},
        {"timesteps": 1},
    ],
    ids=str,
)
def test_neurons_inputs_and_edges_of_every_kind(more: dict[str, Any]) -> None:
    blueprint = frozen(small_resnet, (3, 9, 9), **more)
    alive(same(blueprint, torch.rand(3, 3, 9, 9) * (1 if more.get("encoding") == "rate" else 2)))


def conv(inputs: int, outputs: int, **more: Any) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, bias=False, **more), nn.BatchNorm2d(outputs), nn.ReLU())


class Dense(nn.Module):
    """Joined and summed spikes, averaged; a hidden matrix product over all places."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.left = conv(3, 24, padding=1), conv(24, 24, padding=1)
        self.right, self.both = conv(48, 16, padding=1), conv(16, 16, padding=1)
        self.hidden, self.last = nn.Linear(16 * 16, 70), nn.Linear(70, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = self.right(torch.cat([x, self.left(x)], 1))
        x = nn.functional.avg_pool2d(x + self.both(x), 2)
        return self.last(torch.relu(self.hidden(x.flatten(1))))


def sequence(*layers: nn.Module, features: int) -> nn.Module:
    return nn.Sequential(conv(3, 32, padding=1), *layers, nn.Flatten(), nn.Linear(features, 4))


OTHERS: dict[str, tuple[Callable[[], nn.Module], set[str] | None]] = {
    # a network, and which of its 1-bit nodes must be unpacked to run
    "joined, summed, averaged, flattened": (Dense, set()),
    "max pools before neurons": (
        lambda: sequence(nn.MaxPool2d(2), conv(32, 40, padding=1), nn.MaxPool2d(2), features=160),
        set(),
    ),
    "strides, dilation, no padding": (
        lambda: sequence(conv(32, 40, stride=2, padding=1), conv(40, 9, dilation=2, padding=1), features=36),
        set(),
    ),
    "groups of whole words": (
        lambda: sequence(conv(32, 128, padding=1), conv(128, 6, groups=2, stride=2), features=54),
        set(),
    ),
    "groups of parts of words": (lambda: sequence(conv(32, 32, groups=4, stride=2), features=288), {"1.0"}),
    "means over ninths": (lambda: sequence(nn.AvgPool2d(3, stride=2), conv(32, 8), features=8), {"2.0"}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_networks(name: str) -> None:
    make, unpacked = OTHERS[name]
    blueprint = frozen(make, (3, 8, 8))
    alive(same(blueprint, torch.rand(3, 3, 8, 8) * 2))
    one_bit = {node.name for node in blueprint.plan.nodes if node.weights is not None and node.weights.bits == 1}
    assert one_bit - set(PackedNetwork(blueprint).packed_nodes) == unpacked


def test_neurons_that_start_above_zero_and_a_bias_for_each_place() -> None:
    blueprint = frozen(small_resnet, (3, 9, 9))
    arrays = dict(blueprint.arrays)
    first, second, third, _ = [node for node in blueprint.plan.stages if node.shape[0] == 72]
    arrays[f"{first.name}.initial_potential"] = torch.tensor(0.6)
    arrays[f"{second.name}.bias"] = arrays[f"{second.name}.bias"] + torch.linspace(-0.2, 0.2, 9).reshape(1, 3, 3)
    arrays[f"{third.name}.threshold"] = torch.linspace(0.7, 1.4, 72).reshape(72, 1, 1)
    arrays[f"{third.name}.amplitude"] = torch.tensor(0.75)
    alive(same(Blueprint(blueprint.plan, arrays), torch.rand(2, 3, 9, 9) * 2))


def test_threads_and_batches_change_nothing() -> None:
    network = PackedNetwork(frozen(small_resnet, (3, 16, 16)))
    x = torch.rand(5, 3, 16, 16) * 2
    one = [record.train for record in network.walk(x) if isinstance(record, StageRecord)]
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        many = [record.train for record in network.walk(x) if isinstance(record, StageRecord)]
    finally:
        torch.set_num_threads(before)
    alone = [record.train for record in network.walk(x[2:3]) if isinstance(record, StageRecord)]
    for whole, shared, single in zip(one, many, alone, strict=True):
        assert torch.equal(whole, shared)
        assert torch.equal(whole[:, 2:3], single)


def test_the_input_is_left_as_it_was() -> None:
    network = PackedNetwork(frozen(small_resnet, (3, 9, 9), passes=2))
    x = torch.rand(2, 3, 9, 9)
    given = x.clone()
    network(x)
    assert torch.equal(x, given)


def test_a_wrong_sign_is_noticed() -> None:
    """That these networks tell a single flipped weight, so that equality above means something."""
    blueprint = frozen(small_resnet, (3, 9, 9))
    name = next(f"{node.name}.weight" for node in blueprint.plan.nodes if node.weights and node.weights.bits == 1)
    weight = blueprint.arrays[name].clone()
    weight[0] *= -1
    other = replace(blueprint, arrays={**blueprint.arrays, name: weight})
    x = torch.rand(2, 3, 9, 9) * 2
    assert not torch.equal(PackedNetwork(blueprint)(x), PackedNetwork(other)(x))
