"""How far something is: what long calls of every wing tell whoever asks."""

from typing import Protocol


class Progress(Protocol):
    """Called with what is under way, how many of its parts are done, of how many, and how it looks so far.

    Where nothing is counted `total` is 0, and `note` is a line worth keeping, such as an epoch's figures.
    """

    def __call__(self, what: str, done: int, total: int, /, note: str = "") -> None: ...  # noqa: D102


def silent(what: str, done: int, total: int, /, note: str = "") -> None:
    """Tell nobody."""
