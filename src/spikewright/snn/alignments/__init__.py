"""Temporal alignments, one file each: what a train of T_in steps becomes for a stage of another number of steps.

Trains are in the value scale: over its window a train adds up to its value, whatever the number of steps. The
classical scale, in which a value is the mean over steps, is T times that; so an alignment that the QAC paper
writes for the classical scale carries the factor T_in/T_out here.
"""

from typing import Protocol

from torch import Tensor


class Alignment(Protocol):
    """Brings a train to `timesteps` steps."""

    @property
    def timesteps(self) -> int:
        """T_out."""
        ...

    @property
    def averages(self) -> bool:
        """Whether only the train's total counts, and every step of the result is equal."""
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
