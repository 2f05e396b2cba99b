"""Neuron laws, one file each: what integrating and firing do to a membrane."""

from typing import Any, Protocol

from torch import Tensor


class Law(Protocol):
    """One neuron's dynamics; its state is a NamedTuple with at least `potential`, passed in and out."""

    @property
    def conserves(self) -> bool:
        """Whether what is not emitted stays on the membrane, so that closed forms over the window hold."""
        ...

    @property
    def rate_only(self) -> bool:
        """Whether it is defined for spikes of one worth only."""
        ...

    def init(self, initial: Tensor, like: Tensor) -> Any:
        """A state at its initial potential, shaped like one step's current [N, *features]."""
        ...

    def integrate(self, state: Any, current: Tensor) -> Any:
        """Add one step's current."""
        ...

    def fire(self, state: Any, threshold: Tensor) -> tuple[Any, Tensor]:
        """Emit spikes and reset."""
        ...
