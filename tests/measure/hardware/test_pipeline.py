"""The pipeline's figures against a machine run tick by tick, and against intervals worked out by hand."""

import json
from dataclasses import asdict
from fractions import Fraction
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.by_hand import Builder
from torch import Tensor

from spikewright.ann.ops.arithmetic import Add
from spikewright.ann.ops.moves import Identity
from spikewright.ann.ops.products import Linear
from spikewright.ann.source import INPUT
from spikewright.errors import BadPlan, BadSetting
from spikewright.measure.cost.latency import latency_steps
from spikewright.measure.hardware.pipeline import pipeline
from spikewright.snn.alignments.average import Average
from spikewright.snn.alignments.replicate import Replicate
from spikewright.snn.alignments.truncate import Truncate
from spikewright.snn.code import Code
from spikewright.snn.encoders.graded import Graded
from spikewright.snn.encoders.repeat import Repeat
from spikewright.snn.nodes import AnySchedule, Edge, Stage
from spikewright.snn.plan import Plan
from spikewright.snn.schedules.corrected import Corrected
from spikewright.snn.schedules.lockstep import Lockstep
from spikewright.snn.schedules.probed import Probed
from spikewright.snn.schedules.two_phase import TwoPhase

ROUND = 360  # samples after which every period of six cores with up to three trains each repeats


def chain(*windows: int, schedule: AnySchedule | None = None, repeat: int = 0) -> Plan:
    net, read = Builder((3,), encoder=Repeat(repeat) if repeat else Graded()), INPUT
    for index, steps in enumerate(windows):
        read = net.add(f"s{index}", Add(), read, code=Code.rate(steps), schedule=schedule)
    net.add("out", Identity(), read)
    return net.done().plan


def block(a: int, b: int, c: int, *, schedule: AnySchedule | None = None) -> Plan:
    """A residual block: a → b → c, and a → c past b, through nodes that do not fire."""
    net = Builder((3,))
    net.add("a", Add(), INPUT, code=Code.rate(a), schedule=schedule)
    net.add("same", Identity(), "a")
    net.add("b", Add(), "same", code=Code.rate(b), schedule=schedule)
    net.add("sum", Add(), "b", "same")
    net.add("c", Identity(), "sum", code=Code.rate(c), schedule=schedule)
    net.add("out", Identity(), "c")
    return net.done().plan


# A machine, tick by tick ------------------------------------------------------------------------


def cells_taken(plan: Plan, windows: dict[str, int]) -> dict[str, list[dict[str, set[int]]]]:
    """For each node, step by step, which cells of which trains are in what arrives: marked cells sent down the plan."""
    marks: dict[str, Tensor] = {}  # [T, cores, cells]: of a node's value, what is in each step
    names = list(windows)

    def train(name: str) -> Tensor:
        made = torch.zeros(windows[name], len(names), max(windows.values()))
        for cell in range(windows[name]):
            made[cell, names.index(name), cell] = 1
        return made

    marks[INPUT] = train(INPUT) if INPUT in windows else torch.zeros(1, len(names), max(windows.values()))
    found = {}
    for node in plan.nodes:
        given = [
            marks[edge.source] if edge.alignment is None else edge.alignment(marks[edge.source]) for edge in node.edges
        ]
        arriving = torch.zeros(max(map(len, given)), len(names), max(windows.values()))
        for each in given:
            arriving[: len(each)] += each
        found[node.name] = [
            {name: set(step[index].nonzero().flatten().tolist()) for index, name in enumerate(names)}
            for step in arriving
        ]
        marks[node.name] = train(node.name) if isinstance(node, Stage) else arriving
    return found


def averages(plan: Plan, name: str, reader: str) -> bool:
    """Whether a train is averaged on some way to its reader, past nodes that do not fire."""
    nodes = {node.name: node for node in plan.nodes}

    def ways(to: str) -> list[list[Edge]]:
        found = []
        for edge in nodes[to].edges:
            if edge.source == name:
                found.append([edge])
            elif edge.source != INPUT and not isinstance(nodes[edge.source], Stage):
                found += [[*way, edge] for way in ways(edge.source)]
        return found

    return any(edge.alignment is not None and edge.alignment.averages for way in ways(reader) for edge in way)


class Machine:
    """Cores with a memory of `slots` trains; every step of a train is a cell that is written and read.

    A core begins a sample when, with nobody pausing, each of its steps will find the cells that it takes and the
    cell that it writes free; and then must never meet a missing or an unread cell.
    """

    def __init__(self, plan: Plan, slots: int, samples: int) -> None:
        self.slots, self.samples = slots, samples
        self.window = {INPUT: plan.encoder.timesteps} if isinstance(plan.encoder, Repeat) else {}
        self.window |= {node.name: node.firing.code.timesteps for node in plan.nodes if isinstance(node, Stage)}
        taken = cells_taken(plan, self.window)
        self.takes: dict[tuple[str, str], list[set[int]]] = {}  # by (train, core), for each step the cells it takes
        self.whole: set[tuple[str, str]] = set()  # those that must be there before it begins, and stay until it ends
        for node in plan.nodes:
            if not isinstance(node, Stage):
                continue
            for name in self.window:
                steps = [step[name] for step in taken[node.name]]
                if any(steps):
                    self.takes[name, node.name] = steps
                    if node.firing.schedule.waits or averages(plan, name, node.name):
                        self.whole.add((name, node.name))
        self.reads = {core: [name for name, reader in self.takes if reader == core] for core in self.window}
        self.readers = {core: [reader for name, reader in self.takes if name == core] for core in self.window}
        self.last: dict[tuple[str, str], list[int]] = {}  # for each cell of a train the last step that takes it, or -1
        for (name, core), steps in self.takes.items():
            steps.extend([set()] * (self.window[core] - len(steps)))
            cells = range(self.window[name])
            self.last[name, core] = [max((t for t, taken in enumerate(steps) if c in taken), default=-1) for c in cells]
        self.readout = [name for name in self.window if any(step[name] for step in taken[plan.readout.name])]
        self.written = {name: [0] * samples for name in self.window}  # cells of each train
        self.read = {pair: [0] * samples for pair in self.takes}  # steps that a core has run on a train
        self.began: dict[str, list[int]] = {name: [] for name in self.window}
        self.ended: dict[str, list[int]] = {name: [] for name in self.window}

    def there(self, core: str, sample: int, step: int, later: int = 0) -> bool:
        """Whether what a step takes is there, or will be `later` ticks from now."""
        for name in self.reads[core]:
            if (name, core) in self.whole:
                if self.written[name][sample] < self.window[name]:
                    return False
                continue
            if len(self.began[name]) <= sample:
                return False
            brought = self.written[name][sample] + later + (name == INPUT)  # a link's is read in the same tick
            if any(cell >= brought for cell in self.takes[name, core][step]):
                return False
        return True

    def free(self, core: str, sample: int, step: int, later: int = 0) -> bool:
        """Whether the cell of a step has been read by all its readers, or will be `later` ticks from now."""
        before = sample - self.slots
        if before < 0:
            return True
        for reader in self.readers[core]:
            if (core, reader) in self.whole:
                if len(self.ended[reader]) <= before:
                    return False
                continue
            if len(self.began[reader]) <= before:
                return False
            if self.read[core, reader][before] + later <= self.last[core, reader][step]:
                return False
        return True

    def may_begin(self, core: str, sample: int) -> bool:
        steps = range(self.window[core])
        return all(self.there(core, sample, step, step) and self.free(core, sample, step, step + 1) for step in steps)

    def run(self) -> "Machine":
        tick = 0
        while any(len(ends) < self.samples for ends in self.ended.values()):
            began = True
            while began:
                began = False
                for core in self.window:
                    sample = len(self.began[core])
                    idle = sample == len(self.ended[core]) and sample < self.samples
                    if idle and self.may_begin(core, sample):
                        self.began[core].append(tick)
                        began = True
            working = [core for core in self.window if len(self.began[core]) > len(self.ended[core])]
            for core in working:
                sample, step = len(self.ended[core]), tick - self.began[core][-1]
                assert self.there(core, sample, step)
                for name in self.reads[core]:
                    self.read[name, core][sample] = step + 1
            for core in working:
                sample, step = len(self.ended[core]), tick - self.began[core][-1]
                assert self.free(core, sample, step)
                self.written[core][sample] = step + 1
            tick += 1
            for core in working:
                sample = len(self.ended[core])
                if self.written[core][sample] == self.window[core]:
                    self.ended[core].append(tick)
        return self

    def interval(self) -> Fraction:
        done = [max(ends) for ends in zip(*self.ended.values(), strict=True)]
        return Fraction(done[-1] - done[-1 - ROUND], ROUND)


ALIGNMENTS: list[type[Average | Replicate | Truncate]] = [Average, Replicate, Truncate]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Up to five stages that read any one or two earlier nodes, some through nodes that do not fire."""
    repeat = draw(st.integers(0, 4))
    net = Builder((2,), encoder=Repeat(repeat) if repeat else Graded())
    length = {INPUT: max(repeat, 1)}
    names = [INPUT]
    windows = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))  # few, so that neighbours often have the same

    def edge(name: str, steps: int | None) -> Edge:
        """With an alignment to so many steps, where a train is too long for a stage, or by chance."""
        if steps is None:
            return Edge(name, draw(st.sampled_from([None, Average(2), Replicate(3)])))
        known = [kind(steps) for kind in ALIGNMENTS if kind is not Truncate or length[name] >= steps]
        return Edge(name, draw(st.sampled_from(known if length[name] > steps else [None, *known])))

    for index in range(draw(st.integers(1, 5))):
        reads = draw(st.lists(st.sampled_from(names[-4:]), min_size=1, max_size=2, unique=True))
        if draw(st.booleans()):
            edges = [edge(name, None) for name in reads]
            reads = [net.add(f"graded{index}", Add(), *edges)]
            length[reads[0]] = max(
                each.alignment.timesteps if each.alignment else length[each.source] for each in edges
            )
            names += reads
        waits = draw(st.booleans())
        steps = draw(st.sampled_from(windows))
        edges = [Edge(name) if waits else edge(name, steps) for name in reads]
        schedule = TwoPhase() if waits else Lockstep()
        names.append(net.add(f"s{index}", Add(), *edges, code=Code.rate(steps), schedule=schedule))
        length[names[-1]] = steps
    net.add("out", Add(), *dict.fromkeys([names[-1], draw(st.sampled_from(names))]))
    return net.done().plan


@given(plans(), st.integers(0, 2))
@settings(max_examples=25, deadline=None)
def test_figures_are_those_of_a_machine_run_tick_by_tick(plan: Plan, buffers: int) -> None:
    require_same(plan, buffers)


def require_same(plan: Plan, buffers: int) -> None:
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


def test_an_averaged_train_is_read_whole_and_an_aligned_one_streamed() -> None:
    def two(kind: type[Average | Replicate | Truncate] | None, first: int, second: int) -> Plan:
        net, code = Builder((3,)), Code.rate(second)
        net.add("a", Add(), INPUT, code=Code.rate(first), schedule=Lockstep())
        net.add("b", Add(), Edge("a", kind and kind(second)), code=code, schedule=Lockstep())
        net.add("out", Identity(), "b")
        return net.done().plan

    def starts(plan: Plan) -> int:
        return pipeline(plan).cores[1].start_steps

    assert starts(two(Average, 8, 4)) == starts(two(Average, 8, 8)) == 8
    assert starts(two(Truncate, 8, 4)) == starts(two(Replicate, 3, 7)) == starts(two(None, 3, 7)) == 1
    # the last of 3 steps is the 5th of 8: b begins so that it is just there; of 4 steps it is the 6th
    assert starts(two(Replicate, 8, 3)) == 1 + 5 - 2
    assert starts(two(Replicate, 8, 4)) == 1 + 6 - 3
    # a's second and last step is still read in b's 6th: a waits for b's 6th step to write it over, without a buffer
    assert pipeline(two(Replicate, 2, 6), buffers=0).interval_steps == 6
    assert pipeline(two(Replicate, 6, 2), buffers=0).interval_steps == 6
    # one T for all: what averaged averages still, what was truncated is read as it comes
    averaging, truncating = pipeline(two(Average, 8, 4)).uniform_max, pipeline(two(Truncate, 8, 4)).uniform_max
    assert (averaging.latency_steps, truncating.latency_steps) == (16, 9)


def test_a_step_that_is_repeated_is_kept_until_it_was_read_for_the_last_time() -> None:
    net, lockstep = Builder((3,)), Lockstep()
    net.add("a", Add(), INPUT, code=Code.rate(1), schedule=lockstep)
    net.add("b", Add(), "a", code=Code.rate(2), schedule=lockstep)
    net.add("c", Add(), Edge("b", Average(2)), code=Code.rate(2), schedule=lockstep)
    edges = Edge("a", Replicate(6)), Edge("c", Average(6))
    net.add("d", Add(), *edges, code=Code.rate(6), schedule=lockstep)
    net.add("out", Identity(), "d")
    plan = net.done().plan
    # a at 0, b at 1, c at 3, d at 5: its 6th step, 5 later, takes a's only one once more
    assert pipeline(plan, buffers=0).interval_steps == 5 + 5
    require_same(plan, 0)
    require_same(plan, 1)


def test_a_train_that_met_a_longer_one_brings_nothing_in_its_later_steps() -> None:
    net, lockstep = Builder((3,)), Lockstep()
    net.add("x", Add(), INPUT, code=Code.rate(5), schedule=lockstep)
    net.add("a", Add(), "x", code=Code.rate(4))
    net.add("b", Add(), INPUT, code=Code.rate(8), schedule=lockstep)
    net.add("sum", Add(), "a", "b")
    net.add("c", Add(), Edge("sum", Replicate(2)), code=Code.rate(2), schedule=lockstep)
    net.add("out", Identity(), "c")
    plan = net.done().plan
    # of the sum's 8 steps c takes the 1st and the 5th, and a, which begins at 5, has only 4
    assert pipeline(plan).cores[-1].start_steps == 5 + 1
    require_same(plan, 1)


def test_averaging_before_a_node_that_does_not_fire_counts_as_well() -> None:
    net = Builder((3,))
    net.add("a", Add(), INPUT, code=Code.rate(4), schedule=Lockstep())
    net.add("same", Identity(), Edge("a", Average(6)))
    net.add("b", Identity(), "same", code=Code.rate(6), schedule=Lockstep())
    net.add("out", Identity(), "b")
    found = pipeline(net.done().plan)
    assert [core.start_steps for core in found.cores] == [0, 4]


@pytest.mark.parametrize(("schedule", "replayed"), [(Probed(), 0), (Corrected(), 0), (Corrected(3), 10)])
def test_a_warm_up_and_its_replays_keep_every_core_busy(schedule: Probed | Corrected, replayed: int) -> None:
    net, code = Builder((3,), encoder=Repeat(4, 5)), Code.rate(4, warmup=5)
    net.add("a", Add(), INPUT, code=code, schedule=schedule)
    net.add("b", Add(), "a", code=code, schedule=schedule)
    net.add("out", Identity(), "b")
    plan = net.done().plan
    found = pipeline(plan)
    assert [core.timesteps for core in found.cores] == [9 + replayed] * 3  # the link, too
    assert (found.interval_steps, found.latency_steps) == (9 + replayed, latency_steps(plan) + 1)
    assert (found.uniform_max.timesteps, found.uniform_max.throughput_ratio) == (4, 1)


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
    net.add("out", Linear(), INPUT, weight=net.weight(2, 3))
    with pytest.raises(BadPlan, match="no pipeline"):
        pipeline(net.done().plan)
    with pytest.raises(BadSetting, match="buffers must be at least 0"):
        pipeline(chain(2), buffers=-1)
