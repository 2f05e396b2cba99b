"""What staging makes: nodes, some of which fire."""

from dataclasses import dataclass

from torch import Tensor

from spikewright.ann.ops import Operation
from spikewright.snn.nodes import AnyFormat


@dataclass(frozen=True, slots=True)
class Fires:
    """What a stage fires as: its activation, the source node its codes stand for, and what is done before firing.

    `beyond` is how many of the last operations of `before` the value of `carries` has yet to go through.
    """

    activation: str
    carries: str
    before: tuple[tuple[Operation, Tensor | None, Tensor | None], ...] = ()  # (op, gain, bias)
    channels: tuple[int, int] | None = None  # the part of `carries`, where it is not the whole
    relays: bool = False  # it reads the activation's own spikes, and fires their code again behind a max pool
    beyond: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedNode:
    """An operation, its folded weight, and the constant part of its value, where that goes no further.

    Where `format` is given the weight is its integers, and `gain` the factor on what the operation makes of them,
    one number per output channel, broadcastable to [*shape].
    """

    name: str
    op: Operation
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    carries: str
    weight: Tensor | None = None
    bias: Tensor | None = None
    format: AnyFormat | None = None
    gain: Tensor | None = None
    output: str | None = None  # what it is read out as, where there are several outputs


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringNode(StagedNode):
    """A linear operation that fires: a stage to be, whose method has yet to say how."""

    fires: Fires
