"""Encoders, one file each: how a prepared input becomes a train of currents."""

from typing import ClassVar, Protocol

from torch import Tensor


class Encoder(Protocol):
    """A prepared input in, a train out.

    `clocked` encoders present an input in full at every step, as directly trained networks take it; the others
    present one value over the window, of which a step is a part.
    """

    streams: ClassVar[bool]  # the train takes its steps' time; else it is there at once
    clocked: ClassVar[bool]
    constant: ClassVar[bool]  # every step is the same
    spiking: ClassVar[bool]  # events, each a spike; else graded values
    timed: ClassVar[bool]  # the input has a time axis of its own, [N, T, *]

    @property
    def kind(self) -> str:
        """Its name in files."""
        ...

    @property
    def warmup(self) -> int:
        """Steps before the window."""
        ...

    @property
    def largest(self) -> float | None:
        """The largest magnitude where it hands on whole numbers; None where it does not, or where it is not known."""
        ...

    def total(self, x: Tensor) -> Tensor:
        """The whole window in one step, [N, *] → [1, N, *], where every step is equal; else the train."""
        ...

    def anew(self, x: Tensor, key: tuple[int, ...]) -> Tensor:
        """The train as training draws it, by a key in place of the sample; the same where nothing is drawn."""
        ...

    @property
    def steps(self) -> int:
        """Length of the train."""
        ...

    def __call__(self, x: Tensor) -> Tensor:
        """[N, *] (timed: [N, T, *]) → [steps, N, *]."""
        ...
