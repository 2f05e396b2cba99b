"""The plan of a spiking network: a DAG of nodes, each an operation and perhaps a firing; structure and scalars only.

A plan is frozen, comparable, hashable and JSON. A node with a `Firing` is a stage: it accumulates what its
operation delivers and emits spikes. A node without one passes graded values on. The arrays live in a
`Blueprint`. Knows nothing about how a plan came to be or how it is run.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from spikewright.code import Code
from spikewright.encoders.graded import Graded
from spikewright.encoders.grid import Grid
from spikewright.encoders.repeat import Repeat
from spikewright.errors import BadPlan
from spikewright.neurons.integrate_fire import IntegrateFire
from spikewright.ops import AdaptiveMaxPool, MaxPool, Op, Scale
from spikewright.schedules.lockstep import Lockstep
from spikewright.schedules.two_phase import TwoPhase
from spikewright.source import INPUT

AnySchedule = Annotated[TwoPhase | Lockstep, Field(discriminator="kind")]
AnyEncoder = Annotated[Graded | Grid | Repeat, Field(discriminator="kind")]
BeforeFiring = Annotated[MaxPool | AdaptiveMaxPool | Scale, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """How a stage turns its potential into spikes.

    `carries` names the source node whose value the stage's codes stand for. `before_firing` are applied to the
    accumulated potential: max pools, and the batch norm (a Scale) that follows one. `channels` is the part
    (start, stop) of the carried value's channels, where the codes are not the whole of it.
    """

    law: IntegrateFire
    schedule: AnySchedule
    code: Code
    carries: str
    before_firing: tuple[BeforeFiring, ...] = ()
    channels: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.before_firing and not self.schedule.waits:
            raise BadPlan(
                f"the stage of {self.carries!r} pools its potential before firing, which needs the whole window: "
                "use postponed (two-phase) firing, or average pooling in the source"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One operation; with `firing` it is a stage."""

    name: str
    op: Op
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    firing: Firing | None = None


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

    @property
    def stages(self) -> tuple[Node, ...]:
        """The nodes that fire."""
        return tuple(node for node in self.nodes if node.firing is not None)

    @property
    def readout(self) -> Node:
        """The last node, whose accumulated value is the output."""
        return self.nodes[-1]

    @property
    def consumers(self) -> dict[str, list[Node]]:
        """Who reads each node's value."""
        readers: dict[str, list[Node]] = {INPUT: [], **{node.name: [] for node in self.nodes}}
        for node in self.nodes:
            for name in node.inputs:
                readers[name].append(node)
        return readers
