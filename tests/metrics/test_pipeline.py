"""The pipeline's figures against a machine run tick by tick, and against intervals worked out by hand."""

import json
from dataclasses import asdict
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.build import Builder
from spikewright import ops
from spikewright.code import Code
from spikewright.encoders.graded import Graded
from spikewright.encoders.repeat import Repeat
from spikewright.errors import BadPlan, BadSetting
from spikewright.metrics.latency import latency_steps
from spikewright.metrics.pipeline import pipeline
from spikewright.plan import AnySchedule, Plan
from spikewright.schedules.lockstep import Lockstep
from spikewright.schedules.two_phase import TwoPhase
from spikewright.source import INPUT

ROUND = 360  # samples after which every period of six cores with up to three trains each repeats


def chain(*windows: int, schedule: AnySchedule | None = None, repeat: int = 0) -> Plan:
    net, read = Builder((3,), encoder=Repeat(repeat) if repeat else Graded()), INPUT
    for index, steps in enumerate(windows):
        read = net.add(f"s{index}", ops.Add(), read, code=Code.rate(steps), schedule=schedule)
    net.add("out", ops.Identity(), read)
    return net.done().plan


def block(a: int, b: int, c: int, *, schedule: AnySchedule | None = None) -> Plan:
    """A residual block: a → b → c, and a → c past b, through nodes that do not fire."""
    net = Builder((3,))
    net.add("a", ops.Add(), INPUT, code=Code.rate(a), schedule=schedule)
    net.add("same", ops.Identity(), "a")
    net.add("b", ops.Add(), "same", code=Code.rate(b), schedule=schedule)
    net.add("sum", ops.Add(), "b", "same")
    net.add("c", ops.Identity(), "sum", code=Code.rate(c), schedule=schedule)
    net.add("out", ops.Identity(), "c")
    return net.done().plan


# A machine, tick by tick ------------------------------------------------------------------------


class Machine:
    """Cores with a memory of `slots` trains; every step of a train is a cell that is written and read.

    A core begins a sample when the cells its first step needs are there and the cell it writes is free, and
    then must never meet a missing or an unread cell.
    """

    def __init__(self, plan: Plan, slots: int, samples: int) -> None:
        self.slots, self.samples = slots, samples
        self.window: dict[str, int] = {}
        self.sources: dict[str, list[str]] = {}
        self.waits: dict[str, bool] = {}
        if isinstance(plan.encoder, Repeat):
            self.window[INPUT], self.sources[INPUT], self.waits[INPUT] = plan.encoder.timesteps, [], False
        nodes = {node.name: node for node in plan.nodes}

        def trains(name: str) -> list[str]:
            if name in self.window:
                return [name]
            return [] if name == INPUT else sorted({train for read in nodes[name].inputs for train in trains(read)})

        for node in plan.nodes:
            if node.firing is not None:
                self.sources[node.name] = sorted({train for read in node.inputs for train in trains(read)})
                self.window[node.name] = node.firing.code.timesteps
                self.waits[node.name] = node.firing.schedule.waits
        self.readout = trains(plan.readout.name)
        self.readers = {name: [core for core in self.window if name in self.sources[core]] for name in self.window}
        self.written = {name: [0] * samples for name in self.window}  # cells of each train
        self.taken = {(name, core): [0] * samples for name in self.window for core in self.readers[name]}
        self.began: dict[str, list[int]] = {name: [] for name in self.window}
        self.ended: dict[str, list[int]] = {name: [] for name in self.window}

    def whole(self, name: str, core: str) -> bool:
        return self.waits[core] or self.window[name] != self.window[core]

    def there(self, core: str, sample: int, step: int) -> bool:
        for name in self.sources[core]:
            if self.whole(name, core):
                if self.written[name][sample] < self.window[name]:
                    return False
            elif name == INPUT:  # what the link carries is read in the same tick
                if len(self.began[name]) <= sample:
                    return False
            elif self.written[name][sample] <= step:
                return False
        return True

    def free(self, core: str, sample: int, step: int) -> bool:
        """Whether all readers have read what is in the cell that this step writes."""
        before = sample - self.slots
        return before < 0 or all(self.taken[core, reader][before] > step for reader in self.readers[core])

    def first_cell_is_free(self, core: str, sample: int) -> bool:
        before = sample - self.slots
        return before < 0 or all(
            self.taken[core, reader][before] == self.window[core]
            if self.whole(core, reader)
            else len(self.began[reader]) > before  # reads it in this tick at the latest
            for reader in self.readers[core]
        )

    def run(self) -> "Machine":
        tick = 0
        while any(len(ends) < self.samples for ends in self.ended.values()):
            began = True
            while began:
                began = False
                for core in self.window:
                    sample = len(self.began[core])
                    idle = sample == len(self.ended[core]) and sample < self.samples
                    if idle and self.there(core, sample, 0) and self.first_cell_is_free(core, sample):
                        self.began[core].append(tick)
                        began = True
            working = [core for core in self.window if len(self.began[core]) > len(self.ended[core])]
            for core in working:
                sample, step = len(self.ended[core]), tick - self.began[core][-1]
                assert self.there(core, sample, step)
                for name in self.sources[core]:
                    if not self.whole(name, core):
                        self.taken[name, core][sample] = step + 1
            for core in working:
                sample, step = len(self.ended[core]), tick - self.began[core][-1]
                assert self.free(core, sample, step)
                self.written[core][sample] = step + 1
            tick += 1
            for core in working:
                sample = len(self.ended[core])
                if self.written[core][sample] == self.window[core]:
                    self.ended[core].append(tick)
                    for name in self.sources[core]:
                        self.taken[name, core][sample] = self.window[name]
        return self

    def interval(self) -> Fraction:
        done = [max(ends) for ends in zip(*self.ended.values(), strict=True)]
        return Fraction(done[-1] - done[-1 - ROUND], ROUND)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Up to five stages that read any one or two earlier nodes, some through nodes that do not fire."""
    repeat = draw(st.integers(0, 4))
    net = Builder((2,), encoder=Repeat(repeat) if repeat else Graded())
    names = [INPUT]
    windows = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))  # few, so that neighbours often have the same
    for index in range(draw(st.integers(1, 5))):
        reads = draw(st.lists(st.sampled_from(names[-4:]), min_size=1, max_size=2, unique=True))
        if draw(st.booleans()):
            reads = [net.add(f"graded{index}", ops.Add(), *reads)]
            names += reads
        schedule = draw(st.sampled_from([TwoPhase(), Lockstep()]))
        code = Code.rate(draw(st.sampled_from(windows)))
        names.append(net.add(f"s{index}", ops.Add(), *reads, code=code, schedule=schedule))
    net.add("out", ops.Add(), *dict.fromkeys([names[-1], draw(st.sampled_from(names))]))
    return net.done().plan


@given(plans(), st.integers(0, 2))
@settings(max_examples=40, deadline=None)
def test_figures_are_those_of_a_machine_run_tick_by_tick(plan: Plan, buffers: int) -> None:
    machine = Machine(plan, 1 + buffers, 4 * ROUND).run()
    found = pipeline(plan, buffers=buffers)
    interval = machine.interval()
    assert found.interval_steps == float(interval)
    assert found.samples_per_step == float(1 / interval)
    assert found.latency_steps == max((machine.ended[name][0] for name in machine.readout), default=0)
    assert {core.name: core.start_steps for core in found.cores} == {n: began[0] for n, began in machine.began.items()}
    for core in found.cores:
        assert core.finish_steps == machine.ended[core.name][0]
        assert core.busy_share == float(machine.window[core.name] / interval)
        assert core.busy_share + core.stall_share == pytest.approx(1)
    full = Machine(plan, 1 + found.buffers_for_full_rate, 4 * ROUND)
    assert full.run().interval() == max(machine.window.values())
    if found.buffers_for_full_rate:
        short = pipeline(plan, buffers=found.buffers_for_full_rate - 1)
        assert short.interval_steps > max(machine.window.values())


# By hand ----------------------------------------------------------------------------------------


def test_a_chain_of_equal_windows_is_the_papers_figure() -> None:
    # Fig. 4: while layer 2 works on sample 1, layer 1 works on sample 2; nobody stands still
    found = pipeline(chain(4, 4, 4))
    assert (found.interval_steps, found.latency_steps, found.stall_share_mean) == (4, 12, 0)
    assert found.uniform_max == found.uniform_mean
    assert found.uniform_max.throughput_ratio == 1


def test_a_mixed_chain_runs_at_the_pace_of_its_longest_window() -> None:
    found = pipeline(chain(2, 8, 1, 5))
    assert (found.interval_steps, found.latency_steps, found.bottleneck) == (8, 16, ("s1",))
    assert [core.busy_share for core in found.cores] == [2 / 8, 1, 1 / 8, 5 / 8]
    assert found.stall_share_mean == 1 - 16 / 4 / 8
    assert (found.uniform_mean.timesteps, found.uniform_mean.throughput_ratio) == (4, 0.5)
    assert (found.uniform_max.timesteps, found.uniform_max.throughput_ratio, found.uniform_max.latency_steps) == (
        8,
        1,
        32,
    )
    assert found.buffers_for_full_rate == 1


def test_without_a_buffer_neighbours_take_turns() -> None:
    found = pipeline(chain(2, 3, 7, 4), buffers=0)
    assert (found.interval_steps, found.bottleneck) == (11, ("s2", "s3"))


def test_lockstep_stages_of_equal_windows_stream() -> None:
    plan = chain(8, 8, 8, schedule=Lockstep())
    found = pipeline(plan, buffers=0)
    assert (found.interval_steps, found.latency_steps, latency_steps(plan)) == (8, 10, 8)
    assert [core.start_steps for core in found.cores] == [0, 1, 2]


def test_a_stream_that_is_read_late_needs_room_too() -> None:
    chained, branched = chain(1, 1, 1, schedule=Lockstep()), block(1, 1, 1, schedule=Lockstep())
    assert pipeline(chained, buffers=0).interval_steps == 1
    # c reads a two steps behind it, and a train is one step long
    assert (pipeline(branched, buffers=0).interval_steps, pipeline(branched).interval_steps) == (2, 1)


def test_lockstep_stages_of_unequal_windows_average() -> None:
    found = pipeline(chain(8, 4, 4, schedule=Lockstep()))
    assert [core.start_steps for core in found.cores] == [0, 8, 9]
    # one T for all needs no averaging: it streams
    assert found.uniform_max.latency_steps == 8 + 2


def test_a_residual_branch_holds_its_train_longer() -> None:
    found = pipeline(block(4, 4, 3))
    # a's train is needed until c is done, 11 steps later; a has room for two
    assert (found.interval_steps, found.bottleneck) == (11 / 2, ("a", "b", "c"))
    assert found.buffers_for_full_rate == 2
    assert pipeline(block(4, 4, 3), buffers=2).interval_steps == 4
    assert pipeline(block(4, 4, 3), buffers=None).interval_steps == 4
    assert pipeline(block(4, 4, 4, schedule=Lockstep())).interval_steps == 4


@pytest.mark.parametrize("repeat", [0, 3, 9])
def test_latency_is_the_simulations_where_every_stage_waits(repeat: int) -> None:
    plan = chain(2, 5, 1, repeat=repeat)
    found = pipeline(plan)
    assert found.latency_steps == latency_steps(plan)
    assert found.interval_steps == max(5, repeat)
    assert found.bottleneck == ((INPUT,) if repeat == 9 else ("s1",))


def test_a_repeated_input_is_read_as_it_arrives() -> None:
    found = pipeline(chain(6, 6, schedule=Lockstep(), repeat=6))
    assert [(core.name, core.start_steps) for core in found.cores] == [(INPUT, 0), ("s0", 0), ("s1", 1)]


def test_more_buffers_never_slow_it_down() -> None:
    intervals = [pipeline(block(3, 8, 5), buffers=buffers).interval_steps for buffers in (0, 1, 2, 3, None)]
    assert all(left >= right for left, right in pairwise(intervals))
    assert intervals[-1] == 8


def test_it_is_plain_data() -> None:
    content = json.loads(json.dumps(asdict(pipeline(chain(2, 3)))))
    assert content["cores"][1]["name"] == "s1"
    assert content["uniform_mean"]["timesteps"] == 2.5


def test_what_has_no_pipeline_is_refused() -> None:
    net = Builder((3,))
    net.add("out", ops.Linear(), INPUT, weight=net.weight(2, 3))
    with pytest.raises(BadPlan, match="no pipeline"):
        pipeline(net.done().plan)
    with pytest.raises(BadSetting, match="buffers must be at least 0"):
        pipeline(chain(2), buffers=-1)
