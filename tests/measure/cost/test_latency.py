"""Latency on paths counted by hand, and the paper's own example."""

import pytest
from support.by_hand import Builder

from spikewright.ann.ops.arithmetic import Add
from spikewright.ann.ops.graded import Multiply
from spikewright.ann.ops.moves import Concat, Identity
from spikewright.ann.ops.products import Linear
from spikewright.ann.source import INPUT
from spikewright.errors import BadSetting
from spikewright.measure.cost.latency import (
    Propagation,
    latency_steps,
    layer_by_layer,
    step_by_step,
    timesteps_mean,
    timesteps_mean_neurons,
)
from spikewright.measure.hardware.pipeline import pipeline
from spikewright.snn.alignments.average import Average
from spikewright.snn.alignments.replicate import Replicate
from spikewright.snn.alignments.truncate import Truncate
from spikewright.snn.code import Code
from spikewright.snn.encoders.graded import Graded
from spikewright.snn.encoders.repeat import Repeat
from spikewright.snn.nodes import AnySchedule, Edge
from spikewright.snn.plan import Plan
from spikewright.snn.schedules.corrected import Corrected
from spikewright.snn.schedules.lockstep import Lockstep
from spikewright.snn.schedules.probed import Probed
from spikewright.snn.schedules.two_phase import TwoPhase


def branches(schedule: AnySchedule, steps: tuple[int, int, int, int], *, repeat: int = 0) -> Plan:
    """a → b → sum, a → sum, and c of its own, joined at the read-out."""
    net = Builder((4,), encoder=Repeat(repeat) if repeat else Graded())
    codes = [Code.rate(step) for step in steps]
    net.add("a", Linear(), INPUT, weight=net.weight(4, 4), code=codes[0], schedule=schedule)
    net.add("b", Linear(), "a", weight=net.weight(4, 4), code=codes[1], schedule=schedule)
    net.add("sum", Add(), "a", "b", code=codes[2], schedule=schedule)
    net.add("c", Linear(), INPUT, weight=net.weight(6, 4), code=codes[3], schedule=schedule)
    net.add("joined", Concat(dim=1), "sum", "c")
    net.add("out", Linear(), "joined", weight=net.weight(2, 10))
    return net.done().plan


def test_two_phase_takes_the_longest_path() -> None:
    assert latency_steps(branches(TwoPhase(), (2, 3, 4, 5))) == 9
    assert latency_steps(branches(TwoPhase(), (2, 3, 4, 11))) == 11
    assert latency_steps(branches(TwoPhase(), (2, 3, 4, 5), repeat=6)) == 15


@pytest.mark.parametrize("repeat", [0, 5])
def test_lockstep_takes_one_window(repeat: int) -> None:
    assert latency_steps(branches(Lockstep(), (5, 5, 5, 5), repeat=repeat)) == 5


@pytest.mark.parametrize("schedule", [Lockstep(), TwoPhase()])
def test_averaging_waits_for_the_window_as_two_phase_does(schedule: AnySchedule) -> None:
    net = Builder((4,))
    net.add("a", Add(), INPUT, code=Code.rate(5), schedule=schedule)
    net.add("b", Add(), Edge("a", Average(3)), code=Code.rate(3), schedule=schedule)
    net.add("same", Identity(), Edge("b", Average(3)))  # averaged before a node that does not fire
    net.add("c", Add(), "same", code=Code.rate(3), schedule=schedule)
    net.add("out", Identity(), "c")
    assert latency_steps(net.done().plan) == 5 + 3 + 3


def test_other_alignments_stream_and_end_no_earlier_than_what_they_read() -> None:
    def two(first: int, alignment: Replicate | Truncate | None, second: int) -> int:
        net = Builder((4,))
        net.add("a", Add(), INPUT, code=Code.rate(first), schedule=Lockstep())
        net.add("b", Add(), Edge("a", alignment), code=Code.rate(second), schedule=Lockstep())
        net.add("out", Identity(), "b")
        return latency_steps(net.done().plan)

    assert two(3, Replicate(7), 7) == two(3, None, 7) == 7
    assert two(7, Truncate(3), 3) == two(7, Replicate(3), 3) == 7


def test_one_averaging_edge_holds_the_whole_sum_up() -> None:
    net, lockstep = Builder((4,)), Lockstep()
    net.add("a", Add(), INPUT, code=Code.rate(4), schedule=lockstep)
    net.add("b", Add(), "a", code=Code.rate(4), schedule=lockstep)  # streams: ends with a
    net.add("c", Add(), Edge("a", Average(4)), "b", code=Code.rate(4), schedule=lockstep)
    net.add("out", Identity(), "c")
    assert latency_steps(net.done().plan) == 4 + 4


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Probed(), 5 + 4),  # τ + T
        (Corrected(), 5 + 4),  # ρ + T
        (Corrected(3), 3 * 5 + 4),  # every round runs ρ steps, of which a train shows the last
    ],
)
def test_a_warm_up_comes_once_for_the_network_and_each_more_round_once_again(
    schedule: Probed | Corrected, expected: int
) -> None:
    net, code = Builder((4,), encoder=Repeat(4, 5)), Code.rate(4, warmup=5)
    net.add("a", Add(), INPUT, code=code, schedule=schedule)
    net.add("b", Add(), "a", code=code, schedule=schedule)
    net.add("out", Add(), "a", "b")
    plan = net.done().plan
    assert latency_steps(plan) == expected
    assert timesteps_mean(plan) == timesteps_mean_neurons(plan) == 4  # T is the window's


def test_means_over_stages_and_over_neurons() -> None:
    plan = branches(TwoPhase(), (2, 3, 4, 5))
    assert timesteps_mean(plan) == 3.5
    assert timesteps_mean_neurons(plan) == pytest.approx((4 * 2 + 4 * 3 + 4 * 4 + 6 * 5) / 18)


def chain(stages: int, steps: int) -> Plan:
    net, read = Builder((3,)), INPUT
    for index in range(stages):
        read = net.add(f"s{index}", Linear(), read, weight=net.weight(3, 3), code=Code.bit_planes(steps))
    net.add("out", Identity(), read)
    return net.done().plan


def test_propagation_is_the_papers_example() -> None:
    # A.3.2: L = 34, T = 4: 136 units step by step, 68 with windows fused to 2, 102 with 3
    plan = chain(34, 4)
    assert step_by_step(plan).latency_stage_steps == 136
    assert layer_by_layer(plan).latency_stage_steps == 136
    assert layer_by_layer(plan, fused_share=0.5).latency_stage_steps == 68
    assert layer_by_layer(plan, fused_share=0.75).latency_stage_steps == 102
    assert step_by_step(plan).membranes == 34 * 3
    assert layer_by_layer(plan).membranes == 3
    assert layer_by_layer(plan).train_bits == 3 * 4


@pytest.mark.parametrize("share", [0.0, 1.5])
def test_an_impossible_share_is_refused(share: float) -> None:
    with pytest.raises(BadSetting, match="fused_share"):
        layer_by_layer(chain(1, 2), fused_share=share)


def test_a_network_without_stages_takes_no_steps() -> None:
    net = Builder((3,))
    net.add("out", Linear(), INPUT, weight=net.weight(2, 3))
    plan = net.done().plan
    assert (latency_steps(plan), timesteps_mean(plan), timesteps_mean_neurons(plan)) == (0, 0, 0)
    nothing = Propagation(latency_stage_steps=0, membranes=0, train_bits=0)
    assert step_by_step(plan) == layer_by_layer(plan) == nothing


def test_what_is_not_linear_waits_unless_its_inputs_are_the_same_at_every_step() -> None:
    net = Builder((4,), encoder=Repeat(5))
    net.add("square", Multiply(), INPUT, INPUT)  # the input's steps are all the same: nothing to wait for
    for name, read in (("a", "square"), ("b", INPUT)):
        net.add(name, Linear(), read, weight=net.weight(4, 4), code=Code.rate(5), schedule=Lockstep())
    net.add("gate", Multiply(), "a", "b")  # waits for five steps
    net.add("c", Linear(), "gate", weight=net.weight(4, 4), code=Code.rate(5), schedule=Lockstep())
    net.add("out", Linear(), "c", weight=net.weight(3, 4))
    assert latency_steps(net.done().plan) == pipeline(net.done().plan).latency_steps == 5 + 5
    net = Builder((4,))
    net.add("a", Linear(), INPUT, weight=net.weight(4, 4), code=Code.bit_planes(3))
    net.add("gate", Multiply(), "a", INPUT)
    net.add("b", Linear(), "gate", weight=net.weight(4, 4), code=Code.bit_planes(2))
    net.add("out", Linear(), "b", weight=net.weight(3, 4))
    assert latency_steps(net.done().plan) == pipeline(net.done().plan).latency_steps == 3 + 2
