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

The samples follow one another as closely as these lines allow: the interval is the largest Σ steps / Σ samples over
their cycles, an exact fraction (3½ steps: two samples every 7). Graded nodes pass on at once, or what is not linear
after whole windows; a graded input is always there, a repeated one takes its T steps on a core of its own (the link)
and is read as it arrives. The read-out takes in what comes and holds nobody up. From the plan alone; not seconds, not
spikes. With another T for all stages, what averages still averages; what repeated or dropped steps has none to.

Source: the QAC paper, §7.7 and Fig. 4: a layer works on a sample while the one before works on the next, must
wait for the whole window of the one before, and "pipeline stalling may occur". It gives no number and says
nothing of buffers. Differs: branches, and buffers counted. `latency_steps` here counts the step from core to
core; the simulation's (`measure/cost/latency.py`) does not, and is the same where every stage waits.
"""

from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from itertools import count

from spikewright.errors import BadPlan, BadSetting
from spikewright.measure.hardware._cores import Machine, machine_of
from spikewright.measure.hardware._cycle_ratio import Wait, shortest_interval, slower_cycle
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
    machine = machine_of(plan)
    interval, bottleneck = shortest_interval(machine.windows, _waits(machine, buffers))
    cores = _cores(machine, interval)
    windows = [node.firing.code.timesteps for node in plan.stages]
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


def _cores(machine: Machine, interval: Fraction) -> tuple[Core, ...]:
    """What each does, samples following one another at this interval."""
    starts = _starts(machine)
    return tuple(
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


def _uniform(plan: Plan, timesteps: Fraction, buffers: int | None, interval: Fraction) -> Uniform:
    machine = machine_of(plan, timesteps)
    found = shortest_interval(machine.windows, _waits(machine, buffers))[0]
    return Uniform(
        timesteps=float(timesteps),
        interval_steps=float(found),
        latency_steps=float(_latency(machine)),
        throughput_ratio=float(found / interval),
    )


def _starts(machine: Machine) -> dict[str, Fraction]:
    """When each core begins the first sample."""
    starts: dict[str, Fraction] = {}
    for name, reads in machine.reads.items():
        after = (starts[read.name] + (machine.windows[read.name] if read.whole else read.lag) for read in reads)
        starts[name] = max(after, default=Fraction(0))
    return starts


def _latency(machine: Machine) -> Fraction:
    starts = _starts(machine)
    return max((starts[name] + machine.windows[name] for name in machine.readout), default=Fraction(0))


def _waits(machine: Machine, buffers: int | None) -> list[Wait]:
    """Who waits for whom, other than for itself."""
    found = []
    for name, reads in machine.reads.items():
        for read in reads:
            behind = machine.windows[read.name] if read.whole else Fraction(read.lag)
            found.append(Wait(read.name, name, behind, 0))
            if buffers is not None:
                trailing = machine.windows[name] if read.whole else Fraction(read.trailing)
                found.append(Wait(name, read.name, trailing, 1 + buffers))
    return found


def _buffers_for_full_rate(machine: Machine) -> int:
    longest = max(machine.windows.values())

    def stalls(buffers: int) -> bool:
        return bool(slower_cycle(_waits(machine, buffers), longest))

    enough = next(2**power for power in count() if not stalls(2**power - 1))
    return bisect_left(range(enough), True, key=lambda buffers: not stalls(buffers))
