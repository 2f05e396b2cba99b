"""Figures read from JSON: each is there, of its kind and possible, or the error says which is not.

`Fields` wraps one JSON object and knows what to call it in an error. Knows nothing about what the figures mean.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

from spikewright.errors import BadData


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """One JSON object, and what it is called.

    Attributes:
        raw: the object.
        what: its name in errors, such as "fault campaign 'C2'".
        way_out: what to do if something in it is wrong.

    Raises:
        BadData: it is no JSON object; and from each method, what the object has in that place cannot be.
    """

    raw: Mapping[str, Any]
    what: str
    way_out: str

    def __post_init__(self) -> None:
        if not isinstance(self.raw, Mapping):
            raise BadData(f"{self.what} is a {type(self.raw).__name__}, not a JSON object: {self.way_out}")

    def number(self, key: str, *, least: float = 0.0, most: float = inf) -> float:
        """A number from `least` to `most`."""
        found = self.maybe_number(key, least=least, most=most)
        if found is None:
            raise BadData(f"{self.what} has no {key}: {self.way_out}")
        return found

    def maybe_number(self, key: str, *, least: float = 0.0, most: float = inf) -> float | None:
        """The same, or None where it is null or not there."""
        found = self.raw.get(key)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise BadData(f"{self.what} has {key} {found!r}, which is no number: {self.way_out}")
        if not (isfinite(found) and least <= found <= most):
            raise BadData(f"{self.what} has {key} {found}, not a number of {least:g} to {most:g}: {self.way_out}")
        return float(found)

    def count(self, key: str) -> int | None:
        """A whole number, 0 or more; None where it is null or not there."""
        found = self.maybe_number(key)
        if found is not None and found != int(found):
            raise BadData(f"{self.what} has {key} {found}, not a whole number: {self.way_out}")
        return None if found is None else int(found)

    def text(self, key: str, otherwise: str = "") -> str:
        """A text."""
        found = self.raw.get(key)
        if found is None:
            return otherwise
        if not isinstance(found, str):
            raise BadData(f"{self.what} has {key} {found!r}, which is no text: {self.way_out}")
        return found

    def truth(self, key: str) -> bool | None:
        """True, false, or None where it is null or not there."""
        found = self.raw.get(key)
        if found is not None and not isinstance(found, bool):
            raise BadData(f"{self.what} has {key} {found!r}, neither true nor false: {self.way_out}")
        return found

    def items(self, key: str) -> Sequence[Any]:
        """A list; empty where it is null or not there."""
        found = self.raw.get(key)
        if found is None:
            return ()
        if isinstance(found, str) or not isinstance(found, Sequence):
            raise BadData(f"{self.what} has {key} of kind {type(found).__name__}, not a list: {self.way_out}")
        return found

    def interval(self, low: str, middle: str, high: str) -> tuple[float | None, float | None]:
        """Both ends around a middle that is known; both or neither are there, in order."""
        ends = [self.maybe_number(key, least=-inf) for key in (low, high)]
        centre = self.maybe_number(middle, least=-inf)
        if ends == [None, None]:
            return None, None
        if None in (*ends, centre) or not ends[0] <= centre <= ends[1]:  # pyright: ignore[reportOperatorIssue]
            raise BadData(f"{self.what} has {low}, {middle}, {high} of {ends[0]}, {centre}, {ends[1]}: {self.way_out}")
        return ends[0], ends[1]

    def shares(self, key: str) -> tuple[float, ...]:
        """A list of shares (0..1)."""
        found = self.items(key)
        if not all(isinstance(one, int | float) and isfinite(one) and 0 <= one <= 1 for one in found):
            raise BadData(f"{self.what} has {key} that are not all from 0 to 1: {self.way_out}")
        return tuple(float(one) for one in found)
