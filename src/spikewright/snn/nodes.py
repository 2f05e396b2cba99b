"""The nodes of a plan: an operation, the edges it reads through, and perhaps a firing."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from spikewright.ann.ops import Op
from spikewright.ann.ops.arithmetic import Scale
from spikewright.ann.ops.pools import AdaptiveMaxPool, MaxPool
from spikewright.ann.ops.products import Conv, Linear
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
