"""Conversion methods, one file each: (source, statistics) → blueprint."""

from typing import Protocol

from spikewright.blueprint import Blueprint
from spikewright.source import Source
from spikewright.statistics import Statistics


class Method(Protocol):
    """Decides how each stage fires; never changes the source."""

    @property
    def exact(self) -> bool:
        """Whether the result is equal, code for code, to the quantised source."""
        ...

    def __call__(self, source: Source, statistics: Statistics | None = None) -> Blueprint:
        """Convert. `statistics` are needed where the source's activations have no trained threshold."""
        ...
