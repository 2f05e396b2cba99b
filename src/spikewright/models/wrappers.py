"""Wrappers that compute what the network inside them computes: those of torch for several devices, and its compiler's.

`DataParallel`, `DistributedDataParallel` and what `torch.compile` makes hand their input on, and are looked through.
"""

from typing import NamedTuple

from torch import nn
from torch.nn.parallel import DistributedDataParallel

_COMPILED = "_orig_mod"  # where torch.compile's OptimizedModule has the module that it was made of
_PARALLEL = (nn.DataParallel, DistributedDataParallel)


class Inside(NamedTuple):
    """A network without its wrappers, and what they were, the outermost first."""

    model: nn.Module
    wrappers: tuple[str, ...]

    @property
    def note(self) -> str | None:
        """One line for a person, where there was a wrapper."""
        return f"looked through {', '.join(self.wrappers)} at {type(self.model).__name__}" if self.wrappers else None


def look_through(model: nn.Module) -> Inside:
    """The network that wrappers were put around; a network without any is itself."""
    wrappers = list[str]()
    while True:
        inside = getattr(model, "module" if isinstance(model, _PARALLEL) else _COMPILED, None)
        if not isinstance(inside, nn.Module):
            return Inside(model, tuple(wrappers))
        wrappers.append(type(model).__name__)
        model = inside
