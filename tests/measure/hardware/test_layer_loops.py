"""Steps and work of a layer-at-a-time machine, against its loops run one by one."""

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.by_hand import Builder, conv2d

from spikewright.ann.ops.arithmetic import Add
from spikewright.ann.ops.moves import Identity
from spikewright.ann.ops.pools import MaxPool
from spikewright.ann.ops.products import Linear
from spikewright.ann.source import INPUT
from spikewright.errors import BadSetting
from spikewright.measure.hardware.layer_loops import dense_operations, layer_loops
from spikewright.snn.code import Code
from spikewright.snn.encoders.repeat import Repeat
from spikewright.snn.plan import Plan
from spikewright.snn.schedules.corrected import Corrected
from spikewright.snn.schedules.probed import Probed


def chain(windows: list[int], widths: list[int]) -> Plan:
    net, read, given_width = Builder((3,)), INPUT, 3
    for index, (steps, width) in enumerate(zip(windows, widths, strict=True)):
        weight = net.weight(width, given_width)
        read, given_width = net.add(f"s{index}", Linear(), read, weight=weight, code=Code.rate(steps)), width
    net.add("out", Linear(), read, weight=net.weight(2, given_width))
    return net.done().plan


def loops(windows: list[int], work: list[int]) -> tuple[list[int], list[int]]:
    """Algorithm 2 without its arithmetic: one tick a step, one unit of work for each turn of the inner loops."""
    ticks, turns = [0] * len(windows), [0] * len(windows)
    for layer, steps in enumerate(windows):
        for _ in range(steps):
            ticks[layer] += 1
            for _ in range(work[layer]):
                turns[layer] += 1
    return ticks, turns


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 6)), min_size=1, max_size=5))
def test_it_is_what_the_loops_count(layers: list[tuple[int, int]]) -> None:
    windows, widths = [steps for steps, _ in layers], [width for _, width in layers]
    ticks, turns = loops(windows, widths)
    full_ticks, full_turns = loops([max(windows)] * len(windows), widths)
    found = layer_loops(chain(windows, widths))
    assert (found.steps, found.work) == (sum(ticks), sum(turns))
    assert [stage.step_share for stage in found.stages] == [tick / sum(ticks) for tick in ticks]
    assert [stage.work_share for stage in found.stages] == [turn / sum(turns) for turn in turns]
    assert found.steps_saved_share == pytest.approx(1 - sum(ticks) / sum(full_ticks))
    assert found.work_saved_share == pytest.approx(1 - sum(turns) / sum(full_turns))
    assert 0 <= found.work_saved_share < 1


def test_work_may_be_given_and_is_plain_data() -> None:
    found = layer_loops(chain([1, 4], [5, 5]), work_per_step={"s0": 30, "s1": 10})
    assert (found.steps, found.work) == (5, 70)
    assert found.work_saved_share == 1 - 70 / 160
    assert [stage.work_share for stage in found.stages] == [30 / 70, 40 / 70]
    assert json.loads(json.dumps(asdict(found)))["stages"][1]["timesteps"] == 4


@pytest.mark.parametrize(("schedule", "steps"), [(Probed(), 3 + 4), (Corrected(), 3 + 4), (Corrected(3), 3 * 3 + 4)])
def test_warm_ups_and_replays_are_run_too(schedule: Probed | Corrected, steps: int) -> None:
    net, code = Builder((3,), encoder=Repeat(4, 3)), Code.rate(4, warmup=3)
    net.add("a", Linear(), INPUT, weight=net.weight(5, 3), code=code, schedule=schedule)
    net.add("b", Linear(), "a", weight=net.weight(2, 5), code=code, schedule=schedule)
    net.add("out", Identity(), "b")
    found = layer_loops(net.done().plan)
    assert (found.steps, found.work) == (2 * steps, 7 * steps)
    assert [stage.timesteps for stage in found.stages] == [steps, steps]


def test_dense_operations_belong_to_the_first_stage_that_reads_them() -> None:
    net = Builder((2, 4, 4))
    pool = MaxPool(kernel=(2, 2), stride=(2, 2), padding=(0, 0), dilation=(1, 1))
    net.add("a", conv2d(), INPUT, weight=net.weight(3, 2, 1, 1), code=Code.rate(2), before=[pool])
    net.add("narrow", conv2d(), "a", weight=net.weight(1, 3, 1, 1))
    net.add("b", conv2d(), "narrow", weight=net.weight(5, 1, 1, 1), code=Code.rate(2))
    net.add("c", conv2d(), "narrow", weight=net.weight(5, 1, 1, 1), code=Code.rate(2))
    net.add("sum", Add(), "b", "c", code=Code.rate(2))
    net.add("out", Identity(), "sum")
    # a meets its weights at all 16 unpooled places; narrow's 4 places are b's
    assert dense_operations(net.done()) == {"a": 6 * 16, "b": 5 * 4 + 3 * 4, "c": 5 * 4, "sum": 0}


def test_a_network_without_stages_takes_no_steps() -> None:
    net = Builder((3,))
    net.add("out", Linear(), INPUT, weight=net.weight(2, 3))
    found = layer_loops(net.done().plan)
    assert (found.steps, found.work, found.steps_saved_share, found.work_saved_share, found.stages) == (0, 0, 0, 0, ())


@pytest.mark.parametrize("work", [{"s0": 1}, {"s0": 1, "s1": -1}])
def test_work_of_every_stage_is_needed(work: dict[str, int]) -> None:
    with pytest.raises(BadSetting, match="stage 's1' is missing or negative"):
        layer_loops(chain([1, 2], [2, 2]), work_per_step=work)
