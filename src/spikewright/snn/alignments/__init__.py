"""Temporal alignments, one file each: what a train of T_in steps becomes for a stage of another number of steps.

Trains are in the value scale: over its window a train adds up to its value, whatever the number of steps. The
classical scale, in which a value is the mean over steps, is T times that; so an alignment that the QAC paper
writes for the classical scale carries the factor T_in/T_out here.
"""

from typing import ClassVar, Protocol

from torch import Tensor


class Alignment(Protocol):
    """Brings a train to `timesteps` steps."""

    expands: ClassVar[bool]
    """Whether it makes more steps of fewer."""
    resamples: ClassVar[bool]
    """Whether it picks steps of the train, dropping or repeating some."""
    averages: ClassVar[bool]
    """Whether only the train's total counts, and every step of the result is equal."""

    @property
    def timesteps(self) -> int:
        """T_out."""
        ...

    @property
    def kind(self) -> str:
        """Its name in files."""
        ...

    def step_of(self, given: int, step: int) -> int:
        """Which step of a train of `given` steps arrives at `step` of the result, where it resamples."""
        ...

    def require(self, given: int) -> None:
        """Refuse a train of so many steps.

        Raises:
            BadPlan: it cannot make T_out steps of them.
        """
        ...

    def copies(self, given: int) -> float:
        """How often a spike of a train of `given` steps is delivered, on average over the steps."""
        ...

    def __call__(self, train: Tensor) -> Tensor:
        """[T_in, N, *features] → [T_out, N, *features].

        Raises:
            BadPlan: the alignment cannot make T_out steps of T_in.
        """
        ...
