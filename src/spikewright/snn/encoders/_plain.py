"""What most encoders have in common: no warm-up, no whole numbers, nothing drawn, and a train that is what it is."""

from torch import Tensor


class Plain:
    """An encoder's members where there is nothing to say; a class overrides what differs."""

    __slots__ = ()

    @property
    def warmup(self) -> int:
        """No steps before the window."""
        return 0

    @property
    def largest(self) -> float | None:
        """No whole numbers, or none whose size is known."""
        return None

    def total(self, x: Tensor) -> Tensor:
        """The train."""
        return self(x)

    def anew(self, x: Tensor, key: tuple[int, ...]) -> Tensor:  # noqa: ARG002
        """Nothing is drawn."""
        return self(x)

    def __call__(self, x: Tensor) -> Tensor:
        """See `Encoder`."""
        raise NotImplementedError
