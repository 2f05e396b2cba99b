"""One layer at a time on one array of processing elements: steps and work, stage by stage.

    steps = Σ_l T_l        work = Σ_l T_l · c_l        c_l: work of one step of stage l
    saved = 1 − Σ_l T_l · c_l / (max T · Σ_l c_l)

T_l are the steps that run: the window, a warm-up before it, and what the schedule replays.
An ANN accelerator's variant for spikes computes a layer for its whole window, then the next. No stage waits
for another, so mixed timesteps save in full what they shorten. The read-out fires nothing and is not counted.
From the plan alone, if work is counted in neurons; skipped zeros and memory traffic are not in it.

Source: the QAC paper, §7.7 and Algorithm 2, whose innermost loops are the dense operations of one step and
whose neuron update runs once a neuron and step. The paper states that mixed timesteps leave this data flow as
it is, and gives no number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from spikewright.ann.ops import Product
from spikewright.errors import BadSetting
from spikewright.measure.cost.fan_out import dense_macs, op_shape
from spikewright.measure.cost.synapses import elements
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.nodes import Stage
from spikewright.snn.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerLoop:
    """One stage's part.

    Attributes:
        name: the stage.
        timesteps: its steps for one sample: T, a warm-up and its replays.
        work_per_step: neurons, or what was given.
        step_share: share of all steps, 0..1.
        work_share: share of all work, 0..1.

    """

    name: str
    timesteps: int
    work_per_step: int
    step_share: float
    work_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerLoops:
    """A network on a machine that computes one layer at a time; for one sample.

    Attributes:
        steps: steps of all stages, one stage after the other.
        work: work of all steps, in the unit of `work_per_step`.
        steps_saved_share: steps saved against T = the longest window in every stage, 0..1.
        work_saved_share: work saved against the same.
        stages: in the plan's order.

    """

    steps: int
    work: int
    steps_saved_share: float
    work_saved_share: float
    stages: tuple[LayerLoop, ...]


def layer_loops(plan: Plan, *, work_per_step: Mapping[str, int] | None = None) -> LayerLoops:
    """Count steps and work.

    Args:
        plan: the network's structure.
        work_per_step: the work of one step of each stage, by name; its neurons if not given.

    Raises:
        BadSetting: `work_per_step` lacks a stage, or is negative.

    """
    windows = {
        node.name: node.firing.code.steps + node.firing.schedule.replayed_steps(node.firing.code)
        for node in plan.stages
    }
    cost = _cost(plan, work_per_step)
    steps = sum(windows.values())
    work = sum(windows[name] * cost[name] for name in windows)
    longest = max(windows.values(), default=0)
    return LayerLoops(
        steps=steps,
        work=work,
        steps_saved_share=_saved(steps, longest * len(windows)),
        work_saved_share=_saved(work, longest * sum(cost.values())),
        stages=tuple(
            LayerLoop(
                name=name,
                timesteps=windows[name],
                work_per_step=cost[name],
                step_share=_share(windows[name], steps),
                work_share=_share(windows[name] * cost[name], work),
            )
            for name in windows
        ),
    )


def _cost(plan: Plan, work_per_step: Mapping[str, int] | None) -> dict[str, int]:
    """The work of one step of each stage: what is given, else its neurons."""
    if work_per_step is None:
        return {node.name: elements(node.shape) for node in plan.stages}
    for node in plan.stages:
        if work_per_step.get(node.name, -1) < 0:
            raise BadSetting(
                f"work_per_step of stage {node.name!r} is missing or negative: give every stage's, 0 or more"
            )
    return {node.name: work_per_step[node.name] for node in plan.stages}


def dense_operations(blueprint: Blueprint) -> dict[str, int]:
    """Weights that one step of each stage meets in matrix products and convolutions, zeros included.

    Those of graded nodes (a linear bottleneck, say) count for the first stage that reads them. Sums, averages
    and gains are not counted, so a stage without a weight of its own may have 0.
    """
    plan = blueprint.plan
    shapes = plan.shapes
    waiting: dict[str, dict[str, int]] = {
        each.name: {} for each in plan.inputs
    }  # operations of the graded nodes behind each value
    counted: set[str] = set()
    found: dict[str, int] = {}
    for node in plan.nodes:
        here = {name: operations for read in node.inputs for name, operations in waiting[read].items()}
        if isinstance(node.op, Product):
            weight = blueprint.arrays[f"{node.name}.weight"]
            made = op_shape(node, shapes, weight)
            here[node.name] = dense_macs(node.op, weight, shapes[node.inputs[0]], made)
        if isinstance(node, Stage):
            found[node.name] = sum(operations for name, operations in here.items() if name not in counted)
            counted.update(here)
            waiting[node.name] = {}
        else:
            waiting[node.name] = here
    return found


def _saved(spent: int, full: int) -> float:
    return float(1 - Fraction(spent, full)) if full else 0.0


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
