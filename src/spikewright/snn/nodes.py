"""The nodes of a plan: an operation and the edges it reads through; a stage fires as well."""

from dataclasses import dataclass, fields
from typing import Annotated, Any

from pydantic import Discriminator, Tag

from spikewright.ann.kinds import OneOf
from spikewright.ann.ops import Product
from spikewright.ann.source import AnyOperation
from spikewright.errors import BadPlan
from spikewright.snn.alignments import Alignment
from spikewright.snn.code import Code
from spikewright.snn.formats import WeightFormat
from spikewright.snn.neurons import Law
from spikewright.snn.schedules import Schedule

AnyLaw = Annotated[Law, OneOf("spikewright.snn.neurons")]
AnySchedule = Annotated[Schedule, OneOf("spikewright.snn.schedules")]
AnyAlignment = Annotated[Alignment, OneOf("spikewright.snn.alignments")]
AnyFormat = Annotated[WeightFormat, OneOf("spikewright.snn.formats")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """How a stage turns its potential into spikes.

    `carries` names the source node whose value the stage's codes stand for. `before_firing` are applied to the
    accumulated potential: max pools, and the batch norm (a Scale) that follows one. `channels` is the part
    (start, stop) of the carried value's channels, where the codes are not the whole of it. `beyond` says through how
    many of the last operations before firing the carried value has yet to go: the codes stand for what they make of
    it, which is no value of the source. They are max pools, and signs before and after one (Scales of ±1).

    Raises:
        BadPlan: the law, the schedule and the code do not go together, or more operations than there are.
    """

    law: AnyLaw
    schedule: AnySchedule
    code: Code
    carries: str
    before_firing: tuple[AnyOperation, ...] = ()
    channels: tuple[int, int] | None = None
    beyond: int = 0

    def __post_init__(self) -> None:
        law, schedule = self.law.kind, self.schedule.kind
        if not 0 <= self.beyond <= len(self.before_firing):
            raise BadPlan(
                f"the stage of {self.carries!r} fires from {self.beyond} operations beyond it, and has "
                f"{len(self.before_firing)} before firing: convert again"
            )
        if self.law.rate_only and not self.code.is_rate:
            raise BadPlan(f"the stage of {self.carries!r}: law {law!r} needs a rate code, not {self.code.step_weights}")
        if self.schedule.needs_soft_reset and not self.law.conserves:
            raise BadPlan(f"the stage of {self.carries!r}: schedule {schedule!r} needs soft reset, not law {law!r}")
        if self.law.needs_window and not self.schedule.waits:
            raise BadPlan(
                f"the stage of {self.carries!r}: law {law!r} fires after its window, which schedule {schedule!r} does "
                "not wait for: give it 'two_phase'"
            )
        if bool(self.code.warmup) != self.schedule.warms_up:
            raise BadPlan(
                f"the stage of {self.carries!r}: schedule {schedule!r} and {self.code.warmup} warm-up steps "
                "do not go together"
            )
        if self.schedule.clocked and not self.code.is_rate:
            raise BadPlan(f"the stage of {self.carries!r}: schedule {schedule!r} needs a rate code")
        if self.law.leaks and not self.schedule.clocked:
            raise BadPlan(f"the stage of {self.carries!r}: law {law!r} needs schedule 'clocked', not {schedule!r}")


@dataclass(frozen=True, slots=True)
class Edge:
    """What a node reads, and how it is brought to the node's number of steps (None: as it is)."""

    source: str
    alignment: AnyAlignment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One operation, whose graded values are passed on.

    Attributes:
        shape: of its value for one sample.
        weights: the format of its weight, where that is stored as integers.
        axis: which axis of `shape` is that of channels.
        shares: the earlier node whose weight it uses, where it has none of its own.

    Raises:
        BadPlan: a format, or a shared weight, where there is no weight; an axis that the value does not have.
    """

    name: str
    op: AnyOperation
    edges: tuple[Edge, ...]
    shape: tuple[int, ...]
    weights: AnyFormat | None = None
    axis: int = 0
    shares: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.axis < max(len(self.shape), 1):
            raise BadPlan(f"node {self.name!r}: its value of shape {self.shape} has no axis {self.axis}")
        if self.shares is not None and not isinstance(self.op, Product):
            raise BadPlan(f"node {self.name!r}: {self.op.kind!r} has no weight to share with {self.shares!r}")
        if self.weights is not None and not isinstance(self.op, Product):
            raise BadPlan(f"node {self.name!r}: {self.op.kind!r} has no weight to store in {self.weights.bits} bits")

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of what it reads."""
        return tuple(edge.source for edge in self.edges)

    def as_stage(self, firing: Firing) -> "Stage":
        """The same node, firing."""
        own = {field.name: getattr(self, field.name) for field in fields(Node)}
        return Stage(**own, firing=firing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage(Node):
    """A node that accumulates what its operation delivers, and fires."""

    firing: Firing


def _tag(value: Any) -> str:
    """What a node, or its JSON, is: where a file holds a firing, or no null for it, it is a stage."""
    firing = value.get("firing") if isinstance(value, dict) else getattr(value, "firing", None)
    return "node" if firing is None else "stage"


AnyNode = Annotated[Annotated[Node, Tag("node")] | Annotated[Stage, Tag("stage")], Discriminator(_tag)]
