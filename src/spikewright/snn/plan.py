"""The plan of a spiking network: a DAG of nodes, each an operation and perhaps a firing; structure and scalars only.

A plan is frozen, comparable, hashable and JSON. A node with a `Firing` is a stage: it accumulates what its
operation delivers and emits spikes. A node without one passes graded values on. An edge may carry an alignment,
which brings a train to another number of steps. The arrays live in a `Blueprint`. Knows nothing about how a
plan came to be or how it is run.
"""

from dataclasses import dataclass
from typing import Annotated, NamedTuple

from pydantic import Field

from spikewright.ann.ops import AdaptiveMaxPool, Conv, Linear, MaxPool, Op, Scale
from spikewright.ann.source import INPUT
from spikewright.errors import BadPlan
from spikewright.snn.alignments.average import Average
from spikewright.snn.alignments.replicate import Replicate
from spikewright.snn.alignments.truncate import Truncate
from spikewright.snn.code import Code
from spikewright.snn.encoders.bernoulli import Bernoulli
from spikewright.snn.encoders.direct import Direct
from spikewright.snn.encoders.frames import Frames
from spikewright.snn.encoders.graded import Graded
from spikewright.snn.encoders.grid import Grid
from spikewright.snn.encoders.repeat import Repeat
from spikewright.snn.formats.binary import Binary
from spikewright.snn.formats.uniform import Uniform
from spikewright.snn.neurons.hard_reset import HardReset
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.neurons.signed import Signed
from spikewright.snn.schedules.clocked import Clocked
from spikewright.snn.schedules.corrected import Corrected
from spikewright.snn.schedules.lockstep import Lockstep
from spikewright.snn.schedules.probed import Probed
from spikewright.snn.schedules.two_phase import TwoPhase

AnyLaw = Annotated[IntegrateFire | HardReset | Signed | Leaky, Field(discriminator="kind")]
AnySchedule = Annotated[TwoPhase | Lockstep | Probed | Corrected | Clocked, Field(discriminator="kind")]
AnyAlignment = Annotated[Average | Replicate | Truncate, Field(discriminator="kind")]
AnyEncoder = Annotated[Graded | Grid | Repeat | Direct | Bernoulli | Frames, Field(discriminator="kind")]
AnyFormat = Annotated[Binary | Uniform, Field(discriminator="kind")]
BeforeFiring = Annotated[MaxPool | AdaptiveMaxPool | Scale, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """How a stage turns its potential into spikes.

    `carries` names the source node whose value the stage's codes stand for. `before_firing` are applied to the
    accumulated potential: max pools, and the batch norm (a Scale) that follows one. `channels` is the part
    (start, stop) of the carried value's channels, where the codes are not the whole of it.

    Raises:
        BadPlan: the law, the schedule and the code do not go together.
    """

    law: AnyLaw
    schedule: AnySchedule
    code: Code
    carries: str
    before_firing: tuple[BeforeFiring, ...] = ()
    channels: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        law, schedule = self.law.kind, self.schedule.kind
        if self.law.rate_only and not self.code.is_rate:
            raise BadPlan(f"the stage of {self.carries!r}: law {law!r} needs a rate code, not {self.code.step_weights}")
        if not self.law.conserves and (self.schedule.waits or isinstance(self.schedule, Corrected)):
            raise BadPlan(f"the stage of {self.carries!r}: schedule {schedule!r} needs soft reset, not law {law!r}")
        if bool(self.code.warmup) != self.schedule.warms_up:
            raise BadPlan(
                f"the stage of {self.carries!r}: schedule {schedule!r} and {self.code.warmup} warm-up steps "
                "do not go together"
            )
        if isinstance(self.schedule, Clocked) and not self.code.is_rate:
            raise BadPlan(f"the stage of {self.carries!r}: schedule 'clocked' needs a rate code")
        if isinstance(self.law, Leaky) and not isinstance(self.schedule, Clocked):
            raise BadPlan(f"the stage of {self.carries!r}: law 'leaky' needs schedule 'clocked', not {schedule!r}")


@dataclass(frozen=True, slots=True)
class Edge:
    """What a node reads, and how it is brought to the node's number of steps (None: as it is)."""

    source: str
    alignment: AnyAlignment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One operation; with `firing` it is a stage. With `weights` its weight is stored as integers of that format.

    Raises:
        BadPlan: a format where there is no weight to store so.
    """

    name: str
    op: Op
    edges: tuple[Edge, ...]
    shape: tuple[int, ...]
    firing: Firing | None = None
    weights: AnyFormat | None = None

    def __post_init__(self) -> None:
        if self.weights is not None and not isinstance(self.op, Linear | Conv):
            raise BadPlan(f"node {self.name!r}: {self.op.kind!r} has no weight to store in {self.weights.bits} bits")

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of what it reads."""
        return tuple(edge.source for edge in self.edges)


class Course(NamedTuple):
    """How a value runs over time: so many steps, all equal or not."""

    steps: int
    constant: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A spiking network's structure: input, nodes in topological order; the last one is the read-out."""

    encoder: AnyEncoder
    input_shape: tuple[int, ...]
    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        if not self.nodes:
            raise BadPlan("a plan needs at least one node")
        known = {INPUT}
        for node in self.nodes:
            for name in node.inputs:
                if name not in known:
                    raise BadPlan(f"node {node.name!r} reads {name!r}, which no earlier node makes")
            if not node.inputs:
                raise BadPlan(f"node {node.name!r} reads nothing")
            if node.name in known:
                raise BadPlan(f"two nodes are named {node.name!r}")
            if isinstance(node.op, MaxPool | AdaptiveMaxPool):
                raise BadPlan(
                    f"node {node.name!r}: a max pool belongs between accumulating and firing, not in the graph"
                )
            known.add(node.name)
        if self.nodes[-1].firing is not None:
            raise BadPlan(f"the last node {self.nodes[-1].name!r} must be a read-out, which does not fire")
        _check_warm_up(self)
        _check_clock(self)
        _ = self.courses

    @property
    def stages(self) -> tuple[Node, ...]:
        """The nodes that fire."""
        return tuple(node for node in self.nodes if node.firing is not None)

    @property
    def readout(self) -> Node:
        """The last node, whose accumulated value is the output."""
        return self.nodes[-1]

    @property
    def warmup(self) -> int:
        """Steps before the window, the same for the whole network."""
        return self.encoder.warmup if isinstance(self.encoder, Repeat) else 0

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one prepared input: with a time axis first where the encoder takes frames."""
        return (self.encoder.steps, *self.input_shape) if self.encoder.timed else self.input_shape

    @property
    def courses(self) -> dict[str, Course]:
        """How each node's value, and the input, runs over time.

        Raises:
            BadPlan: trains meet that do not fit each other or their stage.
        """
        made = {INPUT: Course(self.encoder.steps, self.encoder.constant)}
        for node in self.nodes:
            arriving = [align(edge, made[edge.source], node) for edge in node.edges]
            made[node.name] = _course(node, arriving)
        return made

    @property
    def drives(self) -> dict[str, Course]:
        """How what drives each node runs over time; constant only if it lasts as long at every input."""
        made = self.courses
        return {
            node.name: _joined([align(edge, made[edge.source], node) for edge in node.edges]) for node in self.nodes
        }

    @property
    def consumers(self) -> dict[str, list[Node]]:
        """Who reads each node's value."""
        readers: dict[str, list[Node]] = {INPUT: [], **{node.name: [] for node in self.nodes}}
        for node in self.nodes:
            for name in node.inputs:
                readers[name].append(node)
        return readers


def align(edge: Edge, given: Course, node: Node) -> Course:
    """The course of an edge's value where it arrives.

    Raises:
        BadPlan: the alignment cannot make the steps it should of those that are given.
    """
    alignment = edge.alignment
    if alignment is None:
        return given
    if isinstance(alignment, Truncate) and given.steps < alignment.timesteps:
        raise BadPlan(
            f"edge {edge.source!r} to {node.name!r}: truncation cannot make {alignment.timesteps} steps of "
            f"{given.steps}: choose average or replicate to expand"
        )
    return Course(alignment.timesteps, alignment.averages or given.constant or alignment.timesteps == 1)


def _joined(arriving: list[Course]) -> Course:
    steps = max(course.steps for course in arriving)
    return Course(steps, all(course.constant and course.steps == steps for course in arriving))


def _course(node: Node, arriving: list[Course]) -> Course:
    joined = _joined(arriving)
    if node.firing is None:
        return joined
    steps = node.firing.code.steps
    if not node.firing.schedule.waits and joined.steps > steps:
        raise BadPlan(
            f"stage {node.name!r} runs {steps} steps and receives {joined.steps}: "
            "give both the same number of timesteps, or an alignment"
        )
    return Course(steps, steps == 1)


def _check_warm_up(plan: Plan) -> None:
    """A warm-up is the whole network's: every stage, and the input, must have the same, and nothing may realign it."""
    for node in plan.nodes:
        if node.firing is not None and node.firing.code.warmup != plan.warmup:
            raise BadPlan(
                f"stage {node.name!r} has {node.firing.code.warmup} warm-up steps, the input {plan.warmup}: "
                "give every stage the same"
            )
        for edge in node.edges:
            if edge.alignment is not None and plan.warmup:
                raise BadPlan(f"edge {edge.source!r} to {node.name!r}: a network with warm-up steps cannot be aligned")
            if isinstance(edge.alignment, Replicate | Truncate) and not all(
                stage.firing is None or stage.firing.code.is_rate for stage in plan.nodes
            ):
                raise BadPlan(
                    f"edge {edge.source!r} to {node.name!r}: {edge.alignment.kind} needs rate codes, as it drops or "
                    "repeats steps: choose average"
                )


def _check_clock(plan: Plan) -> None:
    """One scale a network: every stage of a clocked input is clocked, runs as long as it, and no other stage is."""
    clocked, steps = plan.encoder.clocked, plan.encoder.steps
    for node in plan.nodes:
        if node.firing is not None and isinstance(node.firing.schedule, Clocked) != clocked:
            raise BadPlan(
                f"stage {node.name!r} has schedule {node.firing.schedule.kind!r}, the input comes by "
                f"{plan.encoder.kind!r}: a clocked input (direct, bernoulli, frames) and clocked stages need each other"
            )
        if clocked and node.firing is not None and node.firing.code.steps != steps:
            raise BadPlan(
                f"stage {node.name!r} runs {node.firing.code.steps} steps, its input {steps}: give both one T"
            )
        for edge in node.edges:
            if clocked and edge.alignment is not None:
                raise BadPlan(f"edge {edge.source!r} to {node.name!r}: a clocked network has one T and no alignments")
