"""The ways a request can be refused: each error names what, where and the way out, on one line.

Every class here is a `SpikewrightError`; the command line prints its message and exits with code 2 (`NoneFound`: 1).
"""

import difflib
from collections.abc import Iterable, Sequence
from typing import NamedTuple


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """'did you mean x? ' where one of the known names is near, else nothing; for the middle of a message."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]!r}? " if near else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """The way out of an unknown name, at the end of a message: the nearest of those there are, and all of them."""
    names = list(known)
    return f"{did_you_mean(name, names)}choose among {', '.join(names)}"


class SpikewrightError(ValueError):
    """Base of every error that is the caller's to mend."""


class BadSetting(SpikewrightError):
    """A setting has an impossible value, or is not known."""


class BadPlan(SpikewrightError):
    """A plan breaks a rule of its own: an illegal code, a missing array, an unknown input."""


class BadFile(SpikewrightError):
    """A file or folder is missing, truncated, or not in the format it should have."""


class BadData(SpikewrightError):
    """A data set is missing, empty, of the wrong shape, or lacks a split."""


class BadModel(SpikewrightError):
    """A model cannot be loaded or called: a missing factory, NaN weights, a wrong input shape."""


class Obstacle(NamedTuple):
    """One part of a model that cannot be converted: where it is, what it is, the way out, and why it cannot."""

    path: str
    what: str
    way_out: str
    line: str
    why: str = ""

    def __str__(self) -> str:
        where = f" ({self.line})" if self.line else ""
        return f"{self.path}: {self.what}{where}: {self.way_out}"


class UnsupportedModule(SpikewrightError):
    """Parts of the user's model have no spiking equivalent here; the message lists each with its way out."""

    def __init__(self, message: str = "", *, obstacles: Sequence[Obstacle] = ()) -> None:
        super().__init__(message or "; ".join(str(obstacle) for obstacle in obstacles))
        self.obstacles = tuple(obstacles)


class NotExact(SpikewrightError):
    """Equality was asked for where it cannot hold (a lockstep schedule, a sum beyond the exact range)."""


class NoneFound(SpikewrightError):
    """Nothing that was tried meets what was asked; the command line exits with 1."""
