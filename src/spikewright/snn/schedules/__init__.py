"""Schedules, one file each: when a stage integrates and when it fires."""

from typing import NamedTuple, Protocol

from torch import Tensor

from spikewright.snn.code import Code
from spikewright.snn.neurons import Law


class Drive(NamedTuple):
    """What drives a stage over its window, in the stage's own unit or in a T-th of it, as `threshold` says."""

    currents: Tensor  # [T_in, N, *features]
    bias: Tensor | None  # the window's constant current, broadcastable to [*features]
    initial: Tensor  # initial potential, broadcastable to [*features]
    threshold: Tensor  # potential that one unit of step weight costs, broadcastable to [*features]


class Schedule(Protocol):
    """When to integrate and when to fire."""

    @property
    def waits(self) -> bool:
        """Whether the stage takes in its whole window before it fires, so that only the window's total counts."""
        ...

    @property
    def warms_up(self) -> bool:
        """Whether it needs a code with warm-up steps; the others allow none."""
        ...

    def replayed_steps(self, code: Code) -> int:
        """Steps that the stage runs and no train shows."""
        ...

    def run(self, law: Law, drive: Drive, code: Code) -> Tensor:
        """The spike train [warm-up + T, N, *features] that the drive causes."""
        ...
