"""The plan of a spiking network: a DAG of nodes, some of them stages; structure and scalars only.

A plan is frozen, comparable, hashable and JSON. A `Stage` accumulates what its operation delivers and emits spikes; any
other node passes graded values on, and one whose operation is not linear waits for the window's total to do so. An edge
may carry an alignment, which brings a train to another number of steps. The arrays live in a `Blueprint`. Knows nothing
about how a plan came to be or how it is run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from spikewright.ann.ends import INPUT
from spikewright.errors import BadPlan
from spikewright.snn.encoders import Encoder
from spikewright.snn.ends import PlanInput, Readout
from spikewright.snn.limits import require_code, require_shape, require_steps
from spikewright.snn.nodes import AnyNode, Node, Stage
from spikewright.snn.time_courses import TimeCourse, align, course_of, together


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A spiking network's structure: inputs, nodes in topological order, read-outs, which nothing else reads."""

    inputs: tuple[PlanInput, ...]
    nodes: tuple[AnyNode, ...]
    readouts: tuple[Readout, ...]

    @classmethod
    def of(cls, nodes: Sequence[Node], *, encoder: Encoder, input_shape: tuple[int, ...]) -> "Plan":
        """The plan with one input, which is named `INPUT`, and whose last node is its read-out."""
        if not nodes:
            raise BadPlan("a plan needs at least one node")
        taken = PlanInput(shape=input_shape, encoder=encoder)
        return cls(inputs=(taken,), nodes=tuple(nodes), readouts=(Readout(node=nodes[-1].name),))

    def __post_init__(self) -> None:
        if not self.nodes:
            raise BadPlan("a plan needs at least one node")
        _check_ends(self)
        _check_limits(self)
        names = {each.name for each in self.inputs}
        known = set(names)
        for node in self.nodes:
            for name in node.inputs:
                if name not in known:
                    raise BadPlan(f"node {node.name!r} reads {name!r}, which no earlier node makes")
            if not node.inputs:
                raise BadPlan(f"node {node.name!r} reads nothing")
            if not node.op.takes(len(node.inputs)):
                reads = "one value" if node.op.operands == 1 else f"{node.op.operands} values"
                raise BadPlan(f"node {node.name!r}: operation {node.op.kind!r} reads {reads}, not {len(node.inputs)}")
            if node.name in known:
                raise BadPlan(f"two nodes are named {node.name!r}")
            if not node.op.in_plan:
                raise BadPlan(
                    f"node {node.name!r}: operation {node.op.kind!r} belongs to a source: stage it as an activation"
                )
            if node.shares is not None and (node.shares not in known or node.shares in names):
                raise BadPlan(f"node {node.name!r} shares the weight of {node.shares!r}, which no earlier node is")
            known.add(node.name)
        _check_readouts(self)
        _check_warm_up(self)
        _check_clock(self)
        _check_numbers(self)
        _ = self.courses

    @property
    def input(self) -> PlanInput:
        """The only thing that goes in.

        Raises:
            BadPlan: there are several inputs.
        """
        if len(self.inputs) != 1:
            names = ", ".join(repr(each.name) for each in self.inputs)
            raise BadPlan(
                f"the network has {len(self.inputs)} inputs ({names}), and one is needed here: in Python, "
                "network({name: x, …}) and batches that are tuples or dicts take them all"
            )
        return self.inputs[0]

    @property
    def encoder(self) -> Encoder:
        """How every input becomes steps."""
        return self.inputs[0].encoder

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one prepared sample of the only input, or of one of its frames."""
        return self.input.shape

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of all values, inputs and nodes, without the batch."""
        own = {each.name: each.value_shape for each in self.inputs}
        return {**own, **{node.name: node.shape for node in self.nodes}}

    def with_input(self, **changes: Any) -> "Plan":
        """The plan with another shape, encoder or preparation of its inputs."""
        return replace(self, inputs=tuple(replace(each, **changes) for each in self.inputs))

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The nodes that fire."""
        return tuple(node for node in self.nodes if isinstance(node, Stage))

    @property
    def readout(self) -> Node:
        """The node whose accumulated value is the only output.

        Raises:
            BadPlan: there are several outputs.
        """
        if len(self.readouts) != 1:
            names = ", ".join(repr(each.name) for each in self.readouts)
            raise BadPlan(
                f"the network has {len(self.readouts)} outputs ({names}), and one is needed here: name it, or wrap the "
                "model so that it returns one"
            )
        return self.node(self.readouts[0].node)

    def node(self, name: str) -> Node:
        """The node of that name."""
        return next(node for node in self.nodes if node.name == name)

    @property
    def outputs(self) -> dict[str, Node]:
        """The read-outs' nodes, by the name of the output."""
        nodes = {node.name: node for node in self.nodes}
        return {each.name: nodes[each.node] for each in self.readouts}

    @property
    def warmup(self) -> int:
        """Steps before the window, the same for the whole network."""
        return self.encoder.warmup

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one prepared sample of the only input: with a time axis first where the encoder takes frames."""
        return self.input.sample_shape

    @property
    def courses(self) -> dict[str, TimeCourse]:
        """How each node's value, and the input, runs over time.

        Raises:
            BadPlan: trains meet that do not fit each other or their stage.
        """
        made = {each.name: TimeCourse(each.encoder.steps, each.encoder.constant) for each in self.inputs}
        for node in self.nodes:
            arriving = [align(edge, made[edge.source], node) for edge in node.edges]
            # what is not linear is computed of totals, and comes as the input does: once, or in equal parts
            made[node.name] = course_of(node, arriving) if node.op.linear else made[INPUT]
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
        readers: dict[str, list[Node]] = {name: [] for name in self.shapes}
        for node in self.nodes:
            for name in node.inputs:
                readers[name].append(node)
        return readers


def _check_ends(plan: Plan) -> None:
    """Inputs and outputs have names of their own, and all inputs one encoder, so that they share one clock."""
    names = [each.name for each in plan.inputs]
    if not names or len(set(names)) < len(names):
        raise BadPlan(f"a plan needs inputs, each with a name of its own; this one has {_listed(names)}")
    if len(names) == 1 and names != [INPUT]:
        raise BadPlan(f"a single input is named {INPUT!r}; this one is {names[0]!r}")
    other = next((each for each in plan.inputs if each.encoder != plan.encoder), None)
    if other is not None:
        raise BadPlan(
            f"inputs {names[0]!r} and {other.name!r} come by different encoders: give all inputs the same, as a "
            "network has one clock"
        )
    outputs, nodes = [each.name for each in plan.readouts], [each.node for each in plan.readouts]
    if not outputs or len(set(outputs)) < len(outputs) or len(set(nodes)) < len(nodes):
        raise BadPlan(
            f"a plan needs read-outs, each with a name and a node of its own; this one has {_listed(outputs)}"
        )


def _check_readouts(plan: Plan) -> None:
    """A read-out is a node that does not fire and that no node reads."""
    nodes = {node.name: node for node in plan.nodes}
    read = {name: node.name for node in plan.nodes for name in node.inputs}
    for each in plan.readouts:
        if each.node not in nodes:
            raise BadPlan(f"output {each.name!r} is read out of {each.node!r}, which is no node of the plan")
        if isinstance(nodes[each.node], Stage):
            which = "the last node" if each.node == plan.nodes[-1].name else "node"
            raise BadPlan(f"{which} {each.node!r} must be a read-out, which does not fire")
        if each.node in read:
            raise BadPlan(f"node {read[each.node]!r} reads the read-out {each.node!r}: let it read what that reads")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names)) or "none"


def _check_limits(plan: Plan) -> None:
    """What is asked for must be such as can be run, before anything is counted or added up."""
    for each in plan.inputs:
        which = "the input" if len(plan.inputs) == 1 else f"input {each.name!r}"
        require_steps(which, each.encoder.steps)
        require_shape(which, each.value_shape, steps=each.encoder.steps if each.encoder.timed else 1)
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


def _check_numbers(plan: Plan) -> None:
    """What is not linear needs the window's total, and hands on numbers: it neither fires nor runs step by step."""
    for node in plan.nodes:
        if node.op.linear:
            continue
        what = f"node {node.name!r}: operation {node.op.kind!r} is not linear"
        if isinstance(node, Stage):
            raise BadPlan(f"{what}, and a stage adds up what arrives: let the stage read the node, by an identity")
        if plan.encoder.clocked:
            raise BadPlan(f"{what} and waits for its window, which a clocked network has none of: remove it")
        if plan.warmup:
            raise BadPlan(f"{what} and waits for its window, which a warm-up has none of: choose a method without one")
