"""Schedules, one file each: when a stage integrates and when it fires."""

from typing import Any, ClassVar, NamedTuple, Protocol

from torch import Tensor

from spikewright.snn.code import Code
from spikewright.snn.neurons import Dynamics


class Drive(NamedTuple):
    """What drives a stage over its window, in the stage's own unit or in a T-th of it, as `threshold` says."""

    currents: Tensor  # [T_in, N, *features]
    bias: Tensor | None  # the window's constant current, broadcastable to [*features]
    initial: Tensor  # initial potential, broadcastable to [*features]
    threshold: Tensor  # potential that one unit of step weight costs, broadcastable to [*features]


class Advance(Protocol):
    """Some steps of a window, from the state that the steps before them left."""

    def __call__(self, law: Dynamics, state: Any, drive: Drive, code: Code, first: int) -> tuple[Any, Tensor]:
        """The drive's currents are those of steps `first` on, [S, N, *]; the state after them, and spikes [S, N, *]."""
        ...


class Schedule(Protocol):
    """When to integrate and when to fire."""

    clocked: ClassVar[bool]
    """Whether every step takes its current and bias in full, in the scale of training."""
    needs_soft_reset: ClassVar[bool]
    """Whether it counts on a law that conserves."""
    collapses: ClassVar[bool]
    """Whether a constant current, a rate code and soft reset have a closed form over its window."""
    waits: ClassVar[bool]
    """Whether the stage takes in its whole window before it fires, so that only the window's total counts."""
    warms_up: ClassVar[bool]
    """Whether it needs a code with warm-up steps; the others allow none."""

    @property
    def kind(self) -> str:
        """Its name in files."""
        ...

    @property
    def advance(self) -> Advance | None:
        """A part of `run` at a time; None where a stage has to have seen later steps."""
        ...

    def replayed_steps(self, code: Code) -> int:
        """Steps that the stage runs and no train shows."""
        ...

    def run(self, law: Dynamics, drive: Drive, code: Code) -> Tensor:
        """The spike train [warm-up + T, N, *features] that the drive causes."""
        ...
