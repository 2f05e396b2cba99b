"""Neuron laws, one file each: what integrating and firing do to a membrane."""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

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


@runtime_checkable
class Closing(Protocol):
    """Dynamics with a closed form of their own over the window."""

    def code(self, potential: Tensor) -> Tensor:
        """The code of each whole potential [N, *features], in its own type."""
        ...

    def drifted(self, factors: Tensor) -> Dynamics:
        """With all thresholds of a neuron so many times as large, [*features]."""
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
    needs_window: ClassVar[bool]
    """Whether it cannot fire before the whole window has come."""
    resets: ClassVar[bool]
    """Whether a spike changes the membrane, which costs a subtraction a step."""

    @property
    def signed(self) -> bool:
        """Whether its codes go from −Σw to Σw, by spikes of −1 or 1; else from 0 to Σw."""
        ...

    @property
    def arrays(self) -> tuple[str, ...]:
        """The arrays that a stage has for it, besides what every stage has."""
        ...

    @property
    def compares_once(self) -> int:
        """Comparisons a window, besides one a step."""
        ...

    def thresholds(self, levels: int) -> int:
        """The length of such an array's first axis, for codes up to `levels`."""
        ...

    def bound(self, arrays: Mapping[str, Tensor]) -> "Law":
        """Itself with the arrays of one stage, in the stage's unit."""
        ...

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
