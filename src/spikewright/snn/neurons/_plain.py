"""What laws have in common that fire by multiples of one threshold, and those of them that forget nothing."""

from collections.abc import Mapping
from typing import ClassVar, Self

from torch import Tensor


class OneThreshold:
    """A law's members where it has no arrays of its own."""

    __slots__ = ()

    needs_window: ClassVar[bool] = False
    signed: ClassVar[bool] = False
    arrays: ClassVar[tuple[str, ...]] = ()
    compares_once: ClassVar[int] = 0
    resets: ClassVar[bool] = True

    def thresholds(self, levels: int) -> int:  # noqa: ARG002
        """None in a table."""
        return 0

    def bound(self, arrays: Mapping[str, Tensor]) -> Self:  # noqa: ARG002
        """Itself: it is the same in every stage."""
        return self


class Plain(OneThreshold):
    """Its members where nothing is forgotten: no leak, and a membrane that is stored as it is."""

    __slots__ = ()

    @property
    def leak(self) -> float:
        """Nothing is lost from step to step."""
        return 1.0

    @property
    def membrane(self) -> None:
        """Stored as it is."""
        return None
