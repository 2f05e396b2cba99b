"""How many steps a network takes from input to output, and what the order of propagation costs.

    two-phase stage:  finish = (latest finish of its inputs) + T        it waits for whole windows
    lockstep stage:   finish = max((latest start of its inputs) + T, latest finish of its inputs)
What is not linear waits for the latest of its inputs, unless they are the same at every step, and then passes all on at
once. A graded input is there at once, one that streams takes its T steps; a train that is averaged starts when its
window is over. So two-phase and averaging networks take the longest path's sum of T, and lockstep networks T. A
warm-up, and what a stage replays, counts. The read-out fires nothing and adds nothing.
From the plan alone; knows nothing about spikes or seconds.
"""

from dataclasses import dataclass

from spikewright.errors import BadSetting
from spikewright.measure.cost.synapses import elements
from spikewright.snn.nodes import Edge, Stage
from spikewright.snn.plan import Plan


def latency_steps(plan: Plan) -> int:
    """Steps until the last of the read-outs has its whole window."""
    start = {each.name: 0 for each in plan.inputs}
    finish = {each.name: each.encoder.steps if each.encoder.streams else 0 for each in plan.inputs}
    drives = plan.drives
    replayed = 0  # the stages of one network replay together
    for node in plan.nodes:
        first = max((finish if _averages(edge) else start)[edge.source] for edge in node.edges)
        last = max(finish[name] for name in node.inputs)
        if not node.op.linear and not drives[node.name].constant:
            start[node.name] = finish[node.name] = last
            continue
        if not isinstance(node, Stage):
            start[node.name], finish[node.name] = first, last
            continue
        code, schedule = node.firing.code, node.firing.schedule
        replayed = max(replayed, schedule.replayed_steps(code))
        if schedule.waits:
            start[node.name], finish[node.name] = last, last + code.steps
        else:
            start[node.name], finish[node.name] = first, max(first + code.steps, last)
    return max(finish[each.node] for each in plan.readouts) + replayed


def _averages(edge: Edge) -> bool:
    return edge.alignment is not None and edge.alignment.averages


def timesteps_mean(plan: Plan) -> float:
    """Mean T over stages, each counted once; 0 without stages."""
    windows = _windows(plan)
    return sum(steps for _, steps in windows) / max(len(windows), 1)


def timesteps_mean_neurons(plan: Plan) -> float:
    """Mean T over neurons; 0 without stages."""
    windows = _windows(plan)
    return sum(neurons * steps for neurons, steps in windows) / max(sum(neurons for neurons, _ in windows), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Propagation:
    """One order of propagation: its latency, and what must be held at the worst moment."""

    latency_stage_steps: float  # in units of one stage's time for one step
    membranes: int  # membranes held at once
    train_bits: int  # spikes held at once, one bit each


def step_by_step(plan: Plan) -> Propagation:
    """Every stage advances one step, then the next step: D_step = T · Σ_l t_step(l), with t_step = 1.

    With mixed T the longest window sets T. All membranes are held; of spikes, one step of the largest stage.

    Source: "When SNN meets ANN", A.3.1 and A.3.2. Differs: held neurons are counted, not given as O(N·L).
    """
    windows = _windows(plan)
    return Propagation(
        latency_stage_steps=float(max((steps for _, steps in windows), default=0) * len(windows)),
        membranes=sum(neurons for neurons, _ in windows),
        train_bits=max((neurons for neurons, _ in windows), default=0),
    )


def layer_by_layer(plan: Plan, *, fused_share: float = 1.0) -> Propagation:
    """Every stage runs its whole window, then the next stage: D_layer = Σ_l t_layer(l).

    A stage of T steps takes max(1, T · fused_share) stage steps. Its membranes and its own train are held,
    not those of other stages (a train that skips a stage, as a residual connection does, comes on top).

    Args:
        plan: the network's structure.
        fused_share: time of a window as a share of T single steps, in (0, 1]; 1 where nothing is saved by
            running a window at once. The paper's example takes 0.5 (T = 4 in the time of 2 steps).

    Raises:
        BadSetting: `fused_share` outside (0, 1].

    Source: "When SNN meets ANN", A.3.1 and A.3.2. Differs: held neurons are counted, not given as O(N·T).

    """
    if not 0 < fused_share <= 1:
        raise BadSetting(f"fused_share must be above 0 and at most 1, got {fused_share}")
    windows = _windows(plan)
    return Propagation(
        latency_stage_steps=sum((max(1.0, steps * fused_share) for _, steps in windows), start=0.0),
        membranes=max((neurons for neurons, _ in windows), default=0),
        train_bits=max((neurons * steps for neurons, steps in windows), default=0),
    )


def _windows(plan: Plan) -> list[tuple[int, int]]:
    """Each stage's (neurons, timesteps)."""
    return [(elements(node.shape), node.firing.code.timesteps) for node in plan.stages]
