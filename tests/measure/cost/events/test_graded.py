"""What graded nodes cost, by hand: spikes that are decoded, products, all else that is computed, and its energy."""

import pytest
import torch
from support.by_hand import Builder, conv2d
from torch import nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.ops import Work
from spikewright.ann.ops.graded import Larger, Multiply, Normalise, Softmax
from spikewright.ann.ops.moves import Identity
from spikewright.ann.ops.pools import MaxPool
from spikewright.ann.ops.products import Linear
from spikewright.ann.source import INPUT
from spikewright.measure.cost.energy import TABLES, energy_joules_source, energy_snn
from spikewright.measure.cost.fan_out import fan_out, macs_source, work_source
from spikewright.measure.cost.neuron_operations import NeuronOperations, neuron_operations
from spikewright.measure.cost.source_fan_out import accumulations_per_step
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code

CODE = Code.bit_planes(3)


def test_a_spike_that_a_graded_node_reads_is_added_up_once_and_what_comes_out_is_multiplied() -> None:
    net = Builder((4,))
    net.add("a", Linear(), INPUT, weight=net.weight(4, 4), code=CODE)
    net.add("b", Linear(), INPUT, weight=net.weight(4, 4), code=CODE)
    net.add("gate", Multiply(), "a", "b")
    net.add("c", Linear(), "gate", weight=net.weight(6, 4), code=CODE)
    net.add("out", Linear(), "c", weight=torch.ones(3, 6).double())
    found = fan_out(net.done())
    assert found.accumulations["a"].tolist() == found.accumulations["b"].tolist() == [1] * 4
    assert found.accumulations["c"].tolist() == [3] * 6
    assert found.macs_by_node == {"a": 16, "b": 16, "gate": 4, "c": 24}
    assert found.macs_dense_per_sample == 16 + 16 + 4 + 24 + 18
    assert found.work_by_node == {"gate": Work()}
    assert found.work == Work()
    # bit planes are shifted as they are decoded: 3 steps of 4 elements at each input, and 3 steps of 3 outputs
    assert neuron_operations(net.done(), found).shifts == 3 * 4 * 2 + 3 * 3


def test_a_constant_makes_numbers_of_spikes_that_are_still_added_up_once() -> None:
    net = Builder((4,))
    net.add("a", Linear(), INPUT, weight=net.weight(4, 4), code=CODE)
    net.add("whole", Identity(), "a")
    net.add("larger", Larger(), "whole", INPUT)
    net.add("out", Linear(), "larger", weight=torch.ones(3, 4).double())
    made = net.done()
    found = fan_out(Blueprint(made.plan, {**made.arrays, "whole.bias": torch.ones(4).double()}))
    assert found.accumulations["a"].tolist() == [1] * 4
    assert found.macs_by_node == {"a": 16, "out": 12}
    assert found.work == Work(comparisons=4)


def test_norms_softmax_and_max_pools_of_values_are_counted_beside() -> None:
    net = Builder((2, 4, 4))
    net.add("a", conv2d(), INPUT, weight=net.weight(2, 2, 1, 1))
    net.add("norm", Normalise(dims=(2, 3), epsilon=1e-5), "a")
    net.add("shares", Softmax(dim=1), "norm")
    net.add("pool", MaxPool(kernel=(2, 2), stride=(2, 2), padding=(0, 0), dilation=(1, 1)), "shares")
    net.add("b", conv2d(), "pool", weight=net.weight(3, 2, 1, 1), code=CODE)
    net.add("pooled", MaxPool(kernel=(2, 2), stride=(2, 2), padding=(0, 0), dilation=(1, 1)), "b")
    net.add("out", conv2d(), "pooled", weight=net.weight(5, 3, 1, 1))
    found = fan_out(net.done())
    assert found.work_by_node == {
        "norm": Work(additions=64, multiplications=64, roots=2),
        "shares": Work(exponentials=32, comparisons=32, additions=32, multiplications=32, divisions=16),
        "pool": Work(comparisons=8 * 3),
        "pooled": Work(comparisons=3 * 3),
    }
    assert found.work == Work(0, 96, 96, 32 + 24 + 9, 16, 2, 32)
    assert found.macs_by_node == {"a": 64, "b": 24, "out": 15}
    assert found.accumulations["b"].eq(1).all()


def test_a_source_computes_the_same_but_for_max_pools() -> None:
    model = nn.Sequential(nn.Linear(6, 4), nn.LayerNorm(4), nn.ReLU(), nn.Linear(4, 3), nn.Softmax(1), nn.Linear(3, 2))
    source = capture(model, torch.randn(3, 6))
    norm = Work(additions=8, multiplications=8, roots=1)
    shares = Work(exponentials=3, comparisons=3, additions=3, multiplications=3, divisions=1)
    assert work_source(source) == norm.plus(shares)
    assert macs_source(source) == 24 + 12 + 6
    pools = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(1, 2, 1), nn.ReLU(), nn.MaxPool2d(2))
    assert work_source(capture(pools, torch.randn(3, 1, 8, 8))) == Work()


def test_an_activation_behind_a_norm_pays_what_reads_it_and_one_before_a_norm_once() -> None:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Linear(6, 4), nn.Linear(6, 4), nn.Linear(4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.c(torch.relu(torch.relu(self.a(x)) * torch.relu(self.b(x))))

    source = capture(Gated(), torch.randn(3, 6))
    assert macs_source(source) == 24 + 24 + 4 + 12
    found = list(accumulations_per_step(source).values())
    assert found == [4, 4, 12]


@pytest.mark.parametrize(
    ("name", "multiply", "add", "compare"), [("horowitz_fp32", 3.7, 0.9, 0), ("snn_meets_ann_32", 3.1, 0.1, 0.08)]
)
def test_energy_by_hand(name: str, multiply: float, add: float, compare: float) -> None:
    work = Work(multiplications=10, additions=20, comparisons=30, divisions=4, roots=5, exponentials=6)
    picojoules = 10 * multiply + 20 * add + 30 * compare + (4 + 5) * 7.1 * multiply + 6 * 6 * (multiply + add)
    table = TABLES[name]
    assert table.graded_joules(work) == pytest.approx(picojoules * 1e-12)
    nothing = NeuronOperations(shifts=0, compares=0, resets=0, injections=0)
    found = energy_snn(table, synops_per_sample=7, macs_per_sample=2, operations=nothing, work=work)
    assert found.graded_joules == pytest.approx(picojoules * 1e-12)
    assert found.total_joules == pytest.approx((picojoules + 7 * add + 2 * (multiply + add)) * 1e-12)
    assert energy_joules_source(table, 2, work) == pytest.approx((picojoules + 2 * (multiply + add)) * 1e-12)
