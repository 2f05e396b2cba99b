"""The cores of a plan, one a stage: how many steps each works on a sample, and what it reads of which others.

Trains are followed from core to core through nodes that do not fire and along aligned edges, step by step. What a core
reads in its step t is known by the number of the step, so no spikes are needed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from spikewright.snn.nodes import Edge, Stage
from spikewright.snn.plan import Plan

Cells = tuple[int | None, ...] | None  # of a core's train, the one that each step takes; None: all of it first


class Read(NamedTuple):
    """A stage reads `name`: its whole window first, or `lag` steps behind it, and for `trailing` steps more."""

    name: str
    whole: bool
    lag: int
    trailing: int


@dataclass(frozen=True, slots=True)
class Machine:
    """Steps of the cores in the plan's order, what each reads, and what the read-out reads."""

    windows: Mapping[str, Fraction]
    reads: Mapping[str, Sequence[Read]]
    readout: Iterable[str]


def machine_of(plan: Plan, uniform: Fraction | None = None) -> Machine:
    """The plan's cores; with `uniform`, as if every stage (and a repeated input) had that T."""
    codes = {node.name: node.firing.code for node in plan.stages}
    replayed = max(node.firing.schedule.replayed_steps(node.firing.code) for node in plan.stages)
    extra = plan.warmup + replayed  # the whole network warms up, and replays, together
    timesteps = {name: uniform or Fraction(code.timesteps) for name, code in codes.items()}
    inputs = [each.name for each in plan.inputs]
    if plan.encoder.streams:
        whole = uniform or Fraction(plan.encoder.steps - plan.warmup)
        timesteps = {**dict.fromkeys(inputs, whole), **timesteps}
    windows = {name: steps + extra for name, steps in timesteps.items()}
    reads: dict[str, list[Read]] = {name: [] for name in windows}
    courses, drives = plan.courses, plan.drives
    made_by = {
        name: {(name, _every(courses[name].steps))} if name in windows else set[tuple[str, Cells]]() for name in inputs
    }
    for node in plan.nodes:
        read = {
            (core, cells)
            for edge in node.edges
            for core, before in made_by[edge.source]
            for cells in [_aligned(before, edge, uniform=uniform is not None)]
        }
        if not isinstance(node, Stage):
            steps = courses[node.name].steps
            # what is not linear takes all of a train first, unless its steps are all the same
            streams = node.op.linear or drives[node.name].constant
            made_by[node.name] = {(core, _padded(cells, steps) if streams else None) for core, cells in read}
            continue
        made_by[node.name] = {(node.name, _every(courses[node.name].steps))}
        waits = node.firing.schedule.waits
        reads[node.name] = sorted(
            {_read(core, None if waits else cells, links=core not in inputs) for core, cells in read}
        )
    return Machine(windows, reads, {core for each in plan.readouts for core, _ in made_by[each.node]})


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


def _read(core: str, cells: Cells, *, links: bool) -> Read:
    """How a stage reads a train; a link is read in the step in which it brings what is read."""
    if cells is None:
        return Read(core, whole=True, lag=0, trailing=0)
    ahead = [cell - step for step, cell in enumerate(cells) if cell is not None]
    return Read(core, whole=False, lag=max(ahead) + links, trailing=-min(ahead))
