"""The plan of a spiking network: a DAG of nodes, some of them stages; structure and scalars only.

A plan is frozen, comparable, hashable and JSON. A `Stage` accumulates what its operation delivers and emits spikes; any
other node passes graded values on. An edge may carry an alignment, which brings a train to another number of steps. The
arrays live in a `Blueprint`. Knows nothing about how a plan came to be or how it is run.
"""

from dataclasses import dataclass

from spikewright.ann.source import INPUT
from spikewright.errors import BadPlan
from spikewright.snn.limits import require_code, require_shape, require_steps
from spikewright.snn.nodes import AnyEncoder, AnyNode, Node, Stage
from spikewright.snn.time_courses import TimeCourse, align, course_of, together


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A spiking network's structure: input, nodes in topological order; the last one is the read-out."""

    encoder: AnyEncoder
    input_shape: tuple[int, ...]
    nodes: tuple[AnyNode, ...]

    def __post_init__(self) -> None:
        if not self.nodes:
            raise BadPlan("a plan needs at least one node")
        _check_limits(self)
        known = {INPUT}
        for node in self.nodes:
            for name in node.inputs:
                if name not in known:
                    raise BadPlan(f"node {node.name!r} reads {name!r}, which no earlier node makes")
            if not node.inputs:
                raise BadPlan(f"node {node.name!r} reads nothing")
            if len(node.inputs) > 1 and not (node.op.adds or node.op.joins):
                raise BadPlan(f"node {node.name!r}: operation {node.op.kind!r} reads one value, not {len(node.inputs)}")
            if node.name in known:
                raise BadPlan(f"two nodes are named {node.name!r}")
            if node.op.maximum:
                raise BadPlan(
                    f"node {node.name!r}: a max pool belongs between accumulating and firing, not in the graph"
                )
            if not (node.op.in_plan and node.op.linear):
                raise BadPlan(
                    f"node {node.name!r}: operation {node.op.kind!r} is not linear, and a plan adds up what its nodes "
                    "pass on: stage it as an activation"
                )
            known.add(node.name)
        if isinstance(self.nodes[-1], Stage):
            raise BadPlan(f"the last node {self.nodes[-1].name!r} must be a read-out, which does not fire")
        _check_warm_up(self)
        _check_clock(self)
        _ = self.courses

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The nodes that fire."""
        return tuple(node for node in self.nodes if isinstance(node, Stage))

    @property
    def readout(self) -> Node:
        """The last node, whose accumulated value is the output."""
        return self.nodes[-1]

    @property
    def warmup(self) -> int:
        """Steps before the window, the same for the whole network."""
        return self.encoder.warmup

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one prepared input: with a time axis first where the encoder takes frames."""
        return (self.encoder.steps, *self.input_shape) if self.encoder.timed else self.input_shape

    @property
    def courses(self) -> dict[str, TimeCourse]:
        """How each node's value, and the input, runs over time.

        Raises:
            BadPlan: trains meet that do not fit each other or their stage.
        """
        made = {INPUT: TimeCourse(self.encoder.steps, self.encoder.constant)}
        for node in self.nodes:
            arriving = [align(edge, made[edge.source], node) for edge in node.edges]
            made[node.name] = course_of(node, arriving)
        return made

    @property
    def drives(self) -> dict[str, TimeCourse]:
        """How what drives each node runs over time; constant only if it lasts as long at every input."""
        made = self.courses
        return {
            node.name: together([align(edge, made[edge.source], node) for edge in node.edges]) for node in self.nodes
        }

    @property
    def consumers(self) -> dict[str, list[Node]]:
        """Who reads each node's value."""
        readers: dict[str, list[Node]] = {INPUT: [], **{node.name: [] for node in self.nodes}}
        for node in self.nodes:
            for name in node.inputs:
                readers[name].append(node)
        return readers


def _check_limits(plan: Plan) -> None:
    """What is asked for must be such as can be run, before anything is counted or added up."""
    require_steps("the input", plan.encoder.steps)
    require_shape("the input", plan.input_shape, steps=plan.encoder.steps if plan.encoder.timed else 1)
    for node in plan.nodes:
        require_shape(f"node {node.name!r}", node.shape)
        for edge in node.edges:
            if edge.alignment is not None:
                require_steps(f"edge {edge.source!r} to {node.name!r}: its alignment", edge.alignment.timesteps)
        if isinstance(node, Stage):
            require_code(f"stage {node.name!r}", node.firing.code)


def _check_warm_up(plan: Plan) -> None:
    """A warm-up is the whole network's: every stage, and the input, must have the same, and nothing may realign it."""
    for node in plan.nodes:
        if isinstance(node, Stage) and node.firing.code.warmup != plan.warmup:
            raise BadPlan(
                f"stage {node.name!r} has {node.firing.code.warmup} warm-up steps, the input {plan.warmup}: "
                "give every stage the same"
            )
        for edge in node.edges:
            if edge.alignment is not None and plan.warmup:
                raise BadPlan(f"edge {edge.source!r} to {node.name!r}: a network with warm-up steps cannot be aligned")
            if (
                edge.alignment is not None
                and edge.alignment.resamples
                and not all(stage.firing.code.is_rate for stage in plan.stages)
            ):
                raise BadPlan(
                    f"edge {edge.source!r} to {node.name!r}: {edge.alignment.kind} needs rate codes, as it drops or "
                    "repeats steps: choose average"
                )


def _check_clock(plan: Plan) -> None:
    """One scale a network: every stage of a clocked input is clocked, runs as long as it, and no other stage is."""
    clocked, steps = plan.encoder.clocked, plan.encoder.steps
    for node in plan.nodes:
        if isinstance(node, Stage) and node.firing.schedule.clocked != clocked:
            raise BadPlan(
                f"stage {node.name!r} has schedule {node.firing.schedule.kind!r}, the input comes by "
                f"{plan.encoder.kind!r}: a clocked input (direct, bernoulli, frames) and clocked stages need each other"
            )
        if clocked and isinstance(node, Stage) and node.firing.code.steps != steps:
            raise BadPlan(
                f"stage {node.name!r} runs {node.firing.code.steps} steps, its input {steps}: give both one T"
            )
        for edge in node.edges:
            if clocked and edge.alignment is not None:
                raise BadPlan(f"edge {edge.source!r} to {node.name!r}: a clocked network has one T and no alignments")
