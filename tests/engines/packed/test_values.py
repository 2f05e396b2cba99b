"""Which values are counts over a power of two, and packing them and back."""

from math import prod

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from spikewright.ann.capture.capture import capture
from spikewright.ann.ops.pools import AveragePool
from spikewright.ann.source import INPUT
from spikewright.engines.currents import deliver
from spikewright.engines.lower.folded import fold
from spikewright.engines.network import build
from spikewright.engines.packed.values import Grain, grains, pack
from spikewright.engines.record import StageRecord
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.encoders.bernoulli import Bernoulli
from spikewright.snn.encoders.frames import Frames
from spikewright.training.snn.network import TrainingNetwork
from spikewright.training.snn.recipes import options, spiking_training


@given(
    seed=st.integers(0, 2**32 - 1),
    top=st.integers(1, 255),
    divisor=st.sampled_from([1, 2, 64]),
    shape=st.sampled_from([(1,), (70,), (3, 2, 5), (65, 1, 1)]),
    timesteps=st.integers(1, 3),
)
def test_packing_loses_nothing(seed: int, top: int, divisor: int, shape: tuple[int, ...], timesteps: int) -> None:
    counts = torch.randint(0, top + 1, (timesteps, 2, *shape), generator=torch.Generator().manual_seed(seed))
    train = counts / divisor
    packed = pack(train, Grain(top, divisor))
    assert len(packed.words) == max(digits for digits in range(1, 9) if top >> (digits - 1))
    assert packed.words.shape[1:3] == (timesteps, 2)
    assert packed.words.nbytes == 8 * packed.words.size
    assert torch.equal(packed.dense(), train)
    assert torch.equal(packed.total(), train.sum(0))


def test_values_in_another_layout_are_packed_alike() -> None:
    train = (torch.rand(2, 3, 5, 4, 6) < 0.5).float()
    strided = train.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)
    assert not strided.is_contiguous()
    assert torch.equal(pack(strided, Grain(1, 1)).dense(), train)


class Mixed(nn.Module):
    """Spikes joined, summed and averaged over two, four and nine places, summed and joined again."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.side, self.last = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1), nn.Linear(28, 2)

    def forward(self, x: Tensor) -> Tensor:
        spikes = torch.relu(self.stem(x))
        both = spikes + torch.relu(self.side(spikes))
        halves = F.avg_pool2d(torch.cat([spikes, both], 1), (1, 2))
        padded = F.pad(F.avg_pool2d(both, 2), (1, 1))
        uneven = F.avg_pool2d(spikes, 3)
        apart = torch.cat([F.adaptive_avg_pool2d(padded, (1, 1)), F.adaptive_avg_pool2d(spikes, (2, 1))[:, :, :1]], 1)
        means = [F.adaptive_avg_pool2d(value, 1).flatten(1) for value in (halves, padded, uneven, apart, spikes)]
        return self.last(torch.cat(means, 1))


@pytest.fixture(scope="module")
def blueprint() -> Blueprint:
    torch.manual_seed(0)
    source = capture(Mixed().eval(), torch.rand(2, 3, 6, 4))
    chosen = options({"membrane_bits": 8, "weight_bits": 32, "threshold": 0.3, "timesteps": 3}, "paper3")
    network = TrainingNetwork(source, spiking_training(chosen).network).train()
    network(torch.rand(2, 3, 6, 4))  # membranes take their scales from a batch
    return network.eval().freeze()


def test_every_claim_holds_of_the_values(blueprint: Blueprint) -> None:
    """And what has none, of a network whose values take all that they can, is no count over a power of two."""
    network = build(blueprint)
    found = grains(network.program)
    x = torch.rand(64, 3, 6, 4) * 2
    values = {INPUT: blueprint.plan.encoder(x)}
    trains = {record.node.name: record.train for record in network.walk(x) if isinstance(record, StageRecord)}
    for instruction in network.program.instructions:
        train = trains.get(instruction.node.name)
        values[instruction.node.name] = (
            deliver(instruction, [values[name] for name in instruction.node.inputs]) if train is None else train
        )
    for node in blueprint.plan.nodes:
        if node.name in found:
            grain, value = found[node.name], values[node.name]
            counts = value * grain.divisor
            assert torch.equal(counts, counts.round()), node.name
            assert counts.min() >= 0
            assert counts.max() <= grain.top
            if counts.dim() == 5:
                assert counts.max() >= min(grain.top, 4) / 2, node.name
            assert torch.equal(pack(value, grain).dense(), value)
    divisors = {grain.divisor for grain in found.values()}
    assert {1, 2, 4} <= divisors
    kinds = {node.op.kind for node in blueprint.plan.nodes if node.name not in found}
    assert {"conv", "average_pool"} & kinds
    pools = [node for node in blueprint.plan.nodes if isinstance(node.op, AveragePool)]
    assert {prod(node.op.kernel): node.name in found for node in pools} == {2: True, 4: True, 9: False}


def test_only_spikes_are_counts_of_an_input(blueprint: Blueprint) -> None:
    assert INPUT not in grains(fold(blueprint))
    steps = blueprint.plan.encoder.steps
    for encoder, claimed in ((Bernoulli(steps), True), (Frames(steps), False)):
        plan = blueprint.plan.with_input(encoder=encoder)
        assert (INPUT in grains(fold(Blueprint(plan, blueprint.arrays)))) == claimed
