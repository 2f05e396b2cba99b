"""How many steps each value of a plan runs, and whether all are equal."""

from typing import NamedTuple

from spikewright.errors import BadPlan
from spikewright.snn.nodes import Edge, Node, Stage


class TimeCourse(NamedTuple):
    """How a value runs over time: so many steps, all equal or not."""

    steps: int
    constant: bool


def align(edge: Edge, given: TimeCourse, node: Node) -> TimeCourse:
    """The course of an edge's value where it arrives.

    Raises:
        BadPlan: the alignment cannot make the steps it should of those that are given.
    """
    alignment = edge.alignment
    if alignment is None:
        return given
    try:
        alignment.require(given.steps)
    except BadPlan as reason:
        raise BadPlan(f"edge {edge.source!r} to {node.name!r}: {reason}") from None
    return TimeCourse(alignment.timesteps, alignment.averages or given.constant or alignment.timesteps == 1)


def together(arriving: list[TimeCourse]) -> TimeCourse:
    """The course of what arrives at one node: as long as the longest, constant if all are and last as long."""
    steps = max(course.steps for course in arriving)
    return TimeCourse(steps, all(course.constant and course.steps == steps for course in arriving))


def course_of(node: Node, arriving: list[TimeCourse]) -> TimeCourse:
    """The course of a node's own value, if it is linear.

    Raises:
        BadPlan: a stage that fires as currents arrive receives more steps than it runs.
    """
    joined = together(arriving)
    if not isinstance(node, Stage):
        return joined
    steps = node.firing.code.steps
    if not node.firing.schedule.waits and joined.steps > steps:
        raise BadPlan(
            f"stage {node.name!r} runs {steps} steps and receives {joined.steps}: "
            "give both the same number of timesteps, or an alignment"
        )
    return TimeCourse(steps, steps == 1)
