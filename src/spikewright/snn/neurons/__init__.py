"""Neuron laws, one file each: what integrating and firing do to a membrane."""

from typing import Any, ClassVar, Protocol

from torch import Tensor

from spikewright.snn.formats.membrane import MembraneFormat


class Dynamics(Protocol):
    """What a schedule runs: a membrane that integrates and fires; its state is a NamedTuple with a `potential`."""

    def init(self, initial: Tensor, like: Tensor) -> Any:
        """A state at its initial potential, shaped like one step's current [N, *features]."""
        ...

    def integrate(self, state: Any, current: Tensor) -> Any:
        """Add one step's current."""
        ...

    def fire(self, state: Any, threshold: Tensor) -> tuple[Any, Tensor]:
        """Emit spikes and reset."""
        ...


class Law(Dynamics, Protocol):
    """A neuron law: dynamics, and what plans and engines may count on."""

    leaks: ClassVar[bool]
    """Whether it forgets from step to step, so that a step means a time: it runs clocked only."""
    takes_back: ClassVar[bool]
    """Whether it may emit −1."""
    conserves: ClassVar[bool]
    """Whether what is not emitted stays on the membrane, so that closed forms over the window hold."""
    rate_only: ClassVar[bool]
    """Whether it is defined for spikes of one worth only."""

    @property
    def leak(self) -> float:
        """The share of a membrane that is left a step later; 1 of a law that does not leak."""
        ...

    @property
    def kind(self) -> str:
        """Its name in files."""
        ...

    @property
    def membrane(self) -> MembraneFormat | None:
        """How its membrane is stored between steps; None: as it is."""
        ...
