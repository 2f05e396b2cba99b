"""What laws that forget nothing have in common: no leak, and a membrane that is stored as it is."""


class Plain:
    """A law's members where there is nothing to say; a class that leaks has fields in their place."""

    __slots__ = ()

    @property
    def leak(self) -> float:
        """Nothing is lost from step to step."""
        return 1.0

    @property
    def membrane(self) -> None:
        """Stored as it is."""
        return None
