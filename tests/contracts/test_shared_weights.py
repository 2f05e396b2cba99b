"""A module that is used more than once: its weight is stored, counted and struck once, and read at every use."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import spikewright as sw
from spikewright.errors import BadPlan
from spikewright.measure.cost.memory import memory_bytes
from spikewright.reliability.faults import Patch, Rewrite
from spikewright.reliability.injectable.ordinary import OrdinaryTarget
from spikewright.reliability.injectable.spiking import SpikingTarget
from spikewright.snn.formats.uniform import Uniform


class Thrice(nn.Module):
    """One convolution of 8 × 8 × 3 × 3 weights, used three times."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(8, 8, 3, padding=1), nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(3):
            x = torch.relu(self.conv(x))
        return self.head(x.mean((2, 3)))


@pytest.fixture(scope="module")
def found() -> tuple[sw.SpikingNetwork, sw.Source, torch.Tensor]:
    torch.manual_seed(3)
    x = torch.rand(16, 8, 6, 6)
    source = sw.capture(Thrice().eval(), x[:2])
    return sw.convert(source, x, method="exact", timesteps=3), source, x


def test_it_is_in_the_file_once_and_comes_back(
    found: tuple[sw.SpikingNetwork, sw.Source, torch.Tensor], tmp_path: Path
) -> None:
    network, source, x = found
    assert [node.shares for node in network.blueprint.plan.nodes].count(None) == len(network.blueprint.plan.nodes) - 2
    sw.save(tmp_path / "run", network, source)
    stored = load_file(tmp_path / "run" / "weights.safetensors")
    assert sum(array.numel() == 576 for array in stored.values()) == 1
    again, _ = sw.load(tmp_path / "run")
    assert again.blueprint.plan == network.blueprint.plan and torch.equal(again(x), network(x))
    assert sw.verify(again, source, x).equal


def test_it_is_counted_once(found: tuple[sw.SpikingNetwork, sw.Source, torch.Tensor]) -> None:
    network, _, _ = found
    assert memory_bytes(network.blueprint, weight_bits=8).weight_bytes == 576 + 24
    assert f"{576 + 24 + 3 * 8 + 3:,} parameters" in repr(network.blueprint)


def test_a_fault_in_it_is_met_at_every_use(found: tuple[sw.SpikingNetwork, sw.Source, torch.Tensor]) -> None:
    network, source, _ = found
    for target in (SpikingTarget(network.blueprint, Uniform(bits=8)), OrdinaryTarget(source, Uniform(bits=8))):
        sites = target.sites()
        assert sites.bits == (576 + 24) * 8
        memory = next(each for each in sites.memories if len(each.integers) == 576)
        uses = [piece.name for piece in target.pieces if piece.weights and piece.weights.memory == memory.name]
        assert len(uses) == 3
        rewrite = Rewrite(np.array([5]), np.array([memory.integers[5] ^ 64]))
        assert Patch(weights={memory.name: rewrite}).weights[memory.name] is rewrite


def test_two_weights_that_should_be_one_are_refused(
    found: tuple[sw.SpikingNetwork, sw.Source, torch.Tensor],
) -> None:
    blueprint = found[0].blueprint
    sharing = next(node for node in blueprint.plan.nodes if node.shares is not None)
    name = f"{sharing.name}.weight"
    with pytest.raises(BadPlan, match="share a weight, and there are two of them"):
        sw.Blueprint(blueprint.plan, {**blueprint.arrays, name: blueprint.arrays[name] + 1})
    same = {**blueprint.arrays, name: blueprint.arrays[name].clone()}
    assert sw.Blueprint(blueprint.plan, same).arrays[name] is blueprint.arrays[f"{sharing.shares}.weight"]
