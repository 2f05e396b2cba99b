"""What laws have in common: those that forget nothing, and those that fire by multiples of one threshold."""

from collections.abc import Mapping
from typing import ClassVar, Self

from torch import Tensor


class NoLeak:
    """A law's members where nothing is forgotten: no leak, and a membrane that is stored as it is."""

    __slots__ = ()

    @property
    def leak(self) -> float:
        """Nothing is lost from step to step."""
        return 1.0

    @property
    def membrane(self) -> None:
        """Stored as it is."""
        return None


class OneThreshold:
    """A law's members where it has no arrays of its own."""

    __slots__ = ()

    needs_window: ClassVar[bool] = False
    resets: ClassVar[bool] = True

    @property
    def signed(self) -> bool:
        """Codes count from 0 up."""
        return False

    @property
    def arrays(self) -> tuple[str, ...]:
        """None."""
        return ()

    @property
    def compares_once(self) -> int:
        """None."""
        return 0

    def thresholds(self, levels: int) -> int:  # noqa: ARG002
        """None in a table."""
        return 0

    def bound(self, arrays: Mapping[str, Tensor]) -> Self:  # noqa: ARG002
        """Itself: it is the same in every stage."""
        return self


class Plain(NoLeak, OneThreshold):
    """Both."""

    __slots__ = ()
