"""Shifts, compares, resets and injections by hand."""

from dataclasses import replace
from typing import ClassVar

import pytest
import torch
from support.by_hand import Builder, conv2d

from spikewright.ann.ops.arithmetic import Add, Scale
from spikewright.ann.ops.moves import Reshape
from spikewright.ann.ops.pools import AveragePool, MaxPool
from spikewright.ann.ops.products import Linear
from spikewright.ann.source import INPUT
from spikewright.measure.cost.fan_out import fan_out, powers_of_two
from spikewright.measure.cost.neuron_operations import NeuronOperations, neuron_operations
from spikewright.snn.alignments.average import Average
from spikewright.snn.alignments.truncate import Truncate
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code
from spikewright.snn.encoders.direct import Direct
from spikewright.snn.encoders.repeat import Repeat
from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.nodes import Edge, Stage
from spikewright.snn.schedules.clocked import Clocked
from spikewright.snn.schedules.corrected import Corrected
from spikewright.snn.schedules.lockstep import Lockstep
from spikewright.snn.schedules.probed import Probed


def counted(blueprint: Blueprint) -> NeuronOperations:
    return neuron_operations(blueprint, fan_out(blueprint))


def test_shifts_follow_the_incoming_train_and_compares_the_own_window() -> None:
    net = Builder((2, 6, 6))
    pool = MaxPool(kernel=(2, 2), stride=(2, 2), padding=(0, 0), dilation=(1, 1))
    net.add("a", conv2d(), INPUT, weight=net.weight(3, 2, 1, 1), code=Code.bit_planes(3), before=[pool])
    net.add("mean", AveragePool(kernel=(2, 2), stride=(1, 1), padding=(0, 0)), "a")
    net.add("b", conv2d(), "mean", weight=net.weight(5, 3, 1, 1), code=Code.rate(4))
    net.add("c", conv2d(), "b", weight=net.weight(2, 5, 1, 1), code=Code.bit_planes(2))
    net.add("narrow", conv2d(), "c", weight=net.weight(2, 2, 1, 1))
    net.add("flat", Reshape(shape=(8,)), "narrow")
    net.add("out", Linear(), "flat", weight=net.weight(3, 8))
    found = counted(net.done())
    # a reads numbers and c a rate code: no shift; b reads 3 steps, narrow 2, out the numbers of narrow
    assert found.shifts == 5 * 4 * 3 + 2 * 4 * 2
    assert found.compares == found.resets == 3 * 9 * 3 + 5 * 4 * 4 + 2 * 4 * 2


@pytest.mark.parametrize(
    ("schedule", "steps"),
    [(Probed(), 3 + 4), (Corrected(), 3 + 4), (Corrected(2), 2 * 3 + 4), (Corrected(4), 4 * 3 + 4)],
)
def test_neurons_compare_in_the_warm_up_and_in_its_replays_too(schedule: Probed | Corrected, steps: int) -> None:
    net, code = Builder((3,), encoder=Repeat(4, 3)), Code.rate(4, warmup=3)
    net.add("a", Linear(), INPUT, weight=net.weight(5, 3), code=code, schedule=schedule)
    net.add("b", Linear(), "a", weight=net.weight(2, 5), code=code, schedule=schedule)
    net.add("out", Linear(), "b", weight=net.weight(2, 2))
    found = counted(net.done())
    assert found.compares == found.resets == (5 + 2) * steps
    # the image's current is worked out once and injected at every step that runs; what spikes bring is not
    assert found.injections == 5 * steps
    assert found.shifts == 0


def leaky(leak: float, *, neurons: tuple[int, int] = (6, 4), timesteps: int = 3) -> Blueprint:
    """Two layers of leaky neurons behind 5 graded values."""
    net, stage = Builder((5,), encoder=Direct(timesteps)), {"code": Code.rate(timesteps), "schedule": Clocked()}
    net.add("a", Linear(), INPUT, weight=net.weight(neurons[0], 5), **stage)
    net.add("b", Linear(), "a", weight=net.weight(neurons[1], neurons[0]), **stage)
    net.add("out", Linear(), "b", weight=net.weight(2, neurons[1]))
    made = net.done()
    nodes = [
        replace(node, firing=replace(node.firing, law=Leaky(leak=leak))) if isinstance(node, Stage) else node
        for node in made.plan.nodes
    ]
    return Blueprint(replace(made.plan, nodes=tuple(nodes)), made.arrays)


@pytest.mark.parametrize(
    ("leak", "multiplied", "shifted"),
    [(1.0, 0, 0), (0.0, 0, 0), (0.5, 0, 1), (0.125, 0, 1), (0.9, 1, 0), (0.50000001, 1, 0), (0.75, 1, 0)],
)
def test_a_leak_is_one_operation_a_neuron_and_step(leak: float, multiplied: int, shifted: int) -> None:
    class Counting(float):
        """A membrane that counts what it is multiplied by."""

        seen: ClassVar[list[float]] = []

        def __rmul__(self, factor: float) -> float:
            self.seen.append(factor)
            return factor * float(self)

    Counting.seen.clear()
    for _ in range(6 + 4):  # a loop over neurons and steps, as the law is written
        membrane = Counting(0.3)
        for _ in range(3):
            membrane = Counting(leak * membrane + 0.1)
    assert len(Counting.seen) == 30
    found = counted(leaky(leak))
    asked = [factor for factor in Counting.seen if factor not in (0.0, 1.0)]
    shifts = [factor for factor in asked if any(factor == 2.0**-k for k in range(1, 40))]
    assert found.leak_shifts == len(shifts) == 30 * shifted
    assert found.leak_multiplications == len(asked) - len(shifts) == 30 * multiplied


def test_leaks_of_two_layers_of_512_over_10_steps() -> None:
    found = counted(leaky(0.9, neurons=(512, 512), timesteps=10))
    assert found.leak_multiplications == 10_240


def test_a_difference_of_bit_planes_is_shifted_where_it_is_accumulated() -> None:
    net, code = Builder((5,)), Code.bit_planes(3)
    a, b = (net.add(name, Linear(), INPUT, weight=net.weight(6, 5), code=code) for name in "ab")
    turned = net.add("turned", Scale(), b, weight=torch.tensor(-1.0, dtype=torch.float64))
    net.add("c", Linear(), net.add("apart", Add(), a, turned), weight=net.weight(4, 6), code=code)
    net.add("out", Linear(), "c", weight=net.weight(2, 4))
    assert counted(net.done()).shifts == (4 + 2) * 3


def test_a_constant_current_is_injected_at_every_step() -> None:
    net, lockstep = Builder((6,)), Lockstep()
    net.add("a", Linear(), Edge(INPUT, Average(4)), weight=net.weight(5, 6), code=Code.rate(4), schedule=lockstep)
    net.add("b", Linear(), Edge("a", Average(3)), weight=net.weight(7, 5), code=Code.rate(3), schedule=lockstep)
    net.add("c", Linear(), "b", weight=net.weight(9, 7), code=Code.rate(3), schedule=lockstep)  # spikes as they come
    net.add("d", Linear(), Edge("c", Average(1)), weight=net.weight(11, 9), code=Code.rate(1), schedule=lockstep)
    net.add("e", Linear(), "d", weight=net.weight(13, 11), code=Code.rate(4))  # waits: takes its total in once
    half = [Edge("c", Average(2)), Edge("c", Truncate(2))]
    net.add("f", Add(), *half, code=Code.rate(2), schedule=lockstep)  # one of two inputs varies
    net.add("out", Linear(), "e", weight=net.weight(2, 13))
    found = counted(net.done())
    assert found.injections == 5 * 4 + 7 * 3  # d's only step adds what it would have to add anyway
    assert found.compares == 5 * 4 + 7 * 3 + 9 * 3 + 11 * 1 + 13 * 4 + 9 * 2


def test_a_power_of_two_is_one_to_the_bit() -> None:
    shifts = torch.tensor([1.0, 0.5, -0.25, 8.0, 2.0**-60], dtype=torch.float64)
    assert powers_of_two(shifts).all()
    others = torch.tensor([0.0, 0.75, 3.0, 0.5 + 2.0**-52, -0.3], dtype=torch.float64)
    assert not powers_of_two(others).any()
    assert counted(leaky(0.5 + 2.0**-52)).leak_shifts == 0  # float32 would take it for one half
