"""A core for each stage, samples one behind the other: how fast a network is fed, and how long cores stand still.

    plan = load_blueprint(Path("runs/lenet_snn"))[0].plan;   pipeline(plan, buffers=1).interval_steps

S_l(k) is the step at which stage l begins sample k; it works T_l steps on it: its own window, and before it any
warm-up and its replays. A stage streams p if its step t takes step i(t) of p's train: t where trains are as
long, or a shorter one comes as it is, or is truncated; ⌊t·T_p/T_l⌋ where it is replicated.

    S_l(k) ≥ S_l(k−1) + T_l                 a core works on one sample at a time
    S_l(k) ≥ S_p(k) + T_p                   l reads the whole window of p: it fires postponed, or p is averaged
    S_l(k) ≥ S_p(k) + 1 + max (i(t) − t)    l streams p: one step behind; more where replication skips steps
    S_p(k) ≥ S_l(k−1−buffers) + T_l         p has room for one train more
    S_p(k) ≥ S_l(k−1−buffers) + max (t − i(t))          the same, streaming: 0, or more where steps are repeated

A buffer is a finished train kept at p until all that read it are done or, which comes to the same, one more
accumulator at each reader that sums what arrives; summing takes no steps of its own. With one buffer (double
buffering) a chain runs at the pace of its longest window, but where a stage is read again further down, as
in a residual network, its train is held longer and one buffer stalls it.

The samples follow one another as closely as these lines allow: the interval is the largest Σ steps / Σ samples
over their cycles, an exact fraction (3½ steps: two samples every 7). Graded nodes pass on at once, a graded
input is always there, a repeated one takes its T steps on a core of its own (the link) and is read as it
arrives. The read-out takes in what comes and holds nobody up. From the plan alone; not seconds, not spikes.
With another T for all stages, what averages still averages; what repeated or dropped steps has none to.

Source: the QAC paper, §7.7 and Fig. 4: a layer works on a sample while the one before works on the next, must
wait for the whole window of the one before, and "pipeline stalling may occur". It gives no number and says
nothing of buffers. Differs: branches, and buffers counted. `latency_steps` here counts the step from core to
core; the simulation's (`metrics/latency.py`) does not, and is the same where every stage waits.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from math import lcm
from typing import NamedTuple

from spikewright.ann.source import INPUT
from spikewright.errors import BadPlan, BadSetting
from spikewright.snn.nodes import Edge
from spikewright.snn.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """One stage's core, or the link of a repeated input.

    Attributes:
        name: the stage, or "input".
        timesteps: steps it works on each sample: its T, a warm-up and its replays.
        start_steps: when it begins a sample in an empty machine.
        finish_steps: when it ends it.
        busy_share: share of steps it works, samples following one another as closely as can be, 0..1.
        stall_share: the rest: it waits for what it reads, or for room to put its train.

    """

    name: str
    timesteps: int
    start_steps: int
    finish_steps: int
    busy_share: float
    stall_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform:
    """The same network with one T for all stages.

    Attributes:
        timesteps: that T; a mean need not be whole, and is taken as it is.
        interval_steps: steps from one sample to the next.
        latency_steps: steps of one sample through an empty machine.
        throughput_ratio: samples per step of the network itself, over this one's: above 1, the network is faster.

    """

    timesteps: float
    interval_steps: float
    latency_steps: float
    throughput_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A network on a machine with a core for each stage.

    Attributes:
        buffers: finished trains that a core can hold while it makes the next; None for as many as it takes.
        interval_steps: steps from one sample to the next, in the long run.
        samples_per_step: its inverse.
        latency_steps: steps of one sample through an empty machine.
        bottleneck: what sets the interval: one stage if it is its window; several if it is the way round from
            a stage along those that read it and back, which waits for a buffer.
        buffers_for_full_rate: the fewest buffers with which the longest window alone sets the interval.
        stall_share_mean: mean over cores.
        cores: one a stage, in the plan's order.
        uniform_mean: the same network with T = the mean over its stages.
        uniform_max: the same network with T = the longest window.

    """

    buffers: int | None
    interval_steps: float
    samples_per_step: float
    latency_steps: int
    bottleneck: tuple[str, ...]
    buffers_for_full_rate: int
    stall_share_mean: float
    cores: tuple[Core, ...]
    uniform_mean: Uniform
    uniform_max: Uniform


def pipeline(plan: Plan, *, buffers: int | None = 1) -> Pipeline:
    """Work the pipeline out.

    Args:
        plan: the network's structure.
        buffers: finished trains that a core can hold while it makes the next: 1 is double buffering, with 0 it
            waits until all its readers are done, None sets no limit.

    Raises:
        BadSetting: `buffers` below 0.
        BadPlan: no stage fires, so there is nothing to put on a core.

    """
    if buffers is not None and buffers < 0:
        raise BadSetting(f"buffers must be at least 0, or None for no limit, got {buffers}")
    if not plan.stages:
        raise BadPlan("a network without a firing stage has no pipeline: give one that was converted")
    machine = _machine(plan)
    interval, bottleneck = _interval(machine, buffers)
    starts = _starts(machine)
    cores = tuple(
        Core(
            name=name,
            timesteps=int(steps),
            start_steps=int(starts[name]),
            finish_steps=int(starts[name] + steps),
            busy_share=float(steps / interval),
            stall_share=float(1 - steps / interval),
        )
        for name, steps in machine.windows.items()
    )
    windows = [node.firing.code.timesteps for node in plan.stages if node.firing]
    return Pipeline(
        buffers=buffers,
        interval_steps=float(interval),
        samples_per_step=float(1 / interval),
        latency_steps=int(_latency(machine)),
        bottleneck=bottleneck,
        buffers_for_full_rate=_buffers_for_full_rate(machine),
        stall_share_mean=float(1 - sum(machine.windows.values()) / len(cores) / interval),
        cores=cores,
        uniform_mean=_uniform(plan, Fraction(sum(windows), len(windows)), buffers, interval),
        uniform_max=_uniform(plan, Fraction(max(windows)), buffers, interval),
    )


def _uniform(plan: Plan, timesteps: Fraction, buffers: int | None, interval: Fraction) -> Uniform:
    machine = _machine(plan, timesteps)
    found = _interval(machine, buffers)[0]
    return Uniform(
        timesteps=float(timesteps),
        interval_steps=float(found),
        latency_steps=float(_latency(machine)),
        throughput_ratio=float(found / interval),
    )


# What reads what ------------------------------------------------------------------------------


Cells = tuple[int | None, ...] | None  # of a core's train, the one that each step takes; None: all of it first


class _Read(NamedTuple):
    """A stage reads `name`: its whole window first, or `lag` steps behind it, and for `held` steps more."""

    name: str
    whole: bool
    lag: int
    held: int


@dataclass(frozen=True, slots=True)
class _Machine:
    """Steps of the cores in the plan's order, what each reads, and what the read-out reads."""

    windows: Mapping[str, Fraction]
    reads: Mapping[str, Sequence[_Read]]
    readout: Iterable[str]


def _machine(plan: Plan, uniform: Fraction | None = None) -> _Machine:
    """The plan's cores; with `uniform`, as if every stage (and a repeated input) had that T."""
    codes = {node.name: node.firing.code for node in plan.stages if node.firing is not None}
    replayed = max(node.firing.schedule.replayed_steps(node.firing.code) for node in plan.stages if node.firing)
    extra = plan.warmup + replayed  # the whole network warms up, and replays, together
    timesteps = {name: uniform or Fraction(code.timesteps) for name, code in codes.items()}
    if plan.encoder.streams:
        timesteps = {INPUT: uniform or Fraction(plan.encoder.steps - plan.warmup), **timesteps}
    windows = {name: steps + extra for name, steps in timesteps.items()}
    reads: dict[str, list[_Read]] = {name: [] for name in windows}
    courses = plan.courses
    made_by = {INPUT: {(INPUT, _every(courses[INPUT].steps))} if INPUT in windows else set[tuple[str, Cells]]()}
    for node in plan.nodes:
        read = {
            (core, cells)
            for edge in node.edges
            for core, before in made_by[edge.source]
            for cells in [_aligned(before, edge, uniform=uniform is not None)]
        }
        if node.firing is None:
            made_by[node.name] = {(core, _padded(cells, courses[node.name].steps)) for core, cells in read}
            continue
        made_by[node.name] = {(node.name, _every(courses[node.name].steps))}
        waits = node.firing.schedule.waits
        reads[node.name] = sorted({_read(core, None if waits else cells) for core, cells in read})
    return _Machine(windows, reads, {core for core, _ in made_by[plan.readout.name]})


def _every(steps: int) -> Cells:
    return tuple(range(steps))


def _aligned(cells: Cells, edge: Edge, *, uniform: bool) -> Cells:
    """What of a train's steps arrives at the end of an edge."""
    alignment = edge.alignment
    if cells is None or alignment is None:
        return cells
    if alignment.averages:
        return None
    if uniform:
        return cells
    return tuple(cells[alignment.step_of(len(cells), step)] for step in range(alignment.timesteps))


def _padded(cells: Cells, steps: int) -> Cells:
    """A train that meets longer ones brings nothing in the later steps."""
    return None if cells is None else cells + (None,) * (steps - len(cells))


def _read(core: str, cells: Cells) -> _Read:
    """How a stage reads a train; a link is read in the step in which it brings what is read."""
    if cells is None:
        return _Read(core, whole=True, lag=0, held=0)
    ahead = [cell - step for step, cell in enumerate(cells) if cell is not None]
    return _Read(core, whole=False, lag=max(ahead) + (core != INPUT), held=-min(ahead))


# Times ----------------------------------------------------------------------------------------


def _starts(machine: _Machine) -> dict[str, Fraction]:
    """When each core begins the first sample."""
    starts: dict[str, Fraction] = {}
    for name, reads in machine.reads.items():
        after = (starts[read.name] + (machine.windows[read.name] if read.whole else read.lag) for read in reads)
        starts[name] = max(after, default=Fraction(0))
    return starts


def _latency(machine: _Machine) -> Fraction:
    starts = _starts(machine)
    return max((starts[name] + machine.windows[name] for name in machine.readout), default=Fraction(0))


class _Wait(NamedTuple):
    """S_after(k + samples) ≥ S_before(k) + steps."""

    before: str
    after: str
    steps: Fraction
    samples: int


def _waits(machine: _Machine, buffers: int | None) -> list[_Wait]:
    """Who waits for whom, other than for itself."""
    found = []
    for name, reads in machine.reads.items():
        for read in reads:
            behind = machine.windows[read.name] if read.whole else Fraction(read.lag)
            found.append(_Wait(read.name, name, behind, 0))
            if buffers is not None:
                held = machine.windows[name] if read.whole else Fraction(read.held)
                found.append(_Wait(name, read.name, held, 1 + buffers))
    return found


def _interval(machine: _Machine, buffers: int | None) -> tuple[Fraction, tuple[str, ...]]:
    """The largest Σ steps / Σ samples over all cycles, and the cores of that cycle.

    A core's own cycle has the ratio T. From the largest of those on, as long as some cycle has a larger ratio
    (its Σ steps − ratio · Σ samples is positive), take that cycle's (Newton's method, exact in fractions).
    """
    waits = _waits(machine, buffers)
    slowest = max(machine.windows, key=lambda name: machine.windows[name])
    interval, cores = machine.windows[slowest], {slowest}
    while cycle := _slower_cycle(machine, waits, interval):
        interval = sum((wait.steps for wait in cycle), Fraction(0)) / sum(wait.samples for wait in cycle)
        cores = {wait.after for wait in cycle}
    return interval, tuple(name for name in machine.windows if name in cores)


def _slower_cycle(machine: _Machine, waits: Sequence[_Wait], interval: Fraction) -> list[_Wait]:
    """A cycle that needs more than `interval` steps a sample, or none (Bellman–Ford, longest paths)."""
    lengths = [wait.steps - interval * wait.samples for wait in waits]
    scale = lcm(*(length.denominator for length in lengths))  # integers are ten times as fast
    whole = [int(length * scale) for length in lengths]
    path = dict.fromkeys(machine.windows, 0)
    last: dict[str, _Wait] = {}  # a cycle among these is positive
    longer = True
    while longer:
        longer = False
        for wait, length in zip(waits, whole, strict=True):
            reached = path[wait.before] + length
            if reached > path[wait.after]:
                path[wait.after], last[wait.after], longer = reached, wait, True
        if cycle := _cycle(last):
            return cycle
    return []


def _cycle(last: Mapping[str, _Wait]) -> list[_Wait]:
    """A cycle, if there is one, where each name has at most one wait that leads to it."""
    done: set[str] = set()
    for start in last:
        name, walk = start, dict[str, _Wait]()
        while name in last and name not in done and name not in walk:
            walk[name] = last[name]
            name = last[name].before
        if name in walk:
            met = list(walk)
            return [walk[each] for each in met[met.index(name) :]]
        done.update(walk)
    return []


def _buffers_for_full_rate(machine: _Machine) -> int:
    longest = max(machine.windows.values())

    def stalls(buffers: int) -> bool:
        return bool(_slower_cycle(machine, _waits(machine, buffers), longest))

    enough = next(2**power for power in count() if not stalls(2**power - 1))
    return bisect_left(range(enough), True, key=lambda buffers: not stalls(buffers))
