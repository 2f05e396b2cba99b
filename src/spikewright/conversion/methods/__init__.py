"""Conversion methods, one file each: (source, statistics) → blueprint."""

from typing import Protocol

from spikewright.ann.source import Source
from spikewright.conversion.calibrators import Calibrator
from spikewright.conversion.observe import Statistics
from spikewright.snn.blueprint import Blueprint


class Method(Protocol):
    """Decides how each stage fires; never changes the source."""

    @property
    def exact(self) -> bool:
        """Whether the result is equal, code for code, to the quantised source."""
        ...

    @property
    def calibrators(self) -> tuple[Calibrator, ...]:
        """What has to be done to the blueprint, on data, before it is what the method promises."""
        ...

    def needs_statistics(self, source: Source) -> bool:
        """Whether the source's activations must have been observed."""
        ...

    def require(self, source: Source) -> None:
        """Refuse what can be seen of a source without data, such as another number of timesteps than activations."""
        ...

    def __call__(self, source: Source, statistics: Statistics | None = None) -> Blueprint:
        """Convert; `calibrators` are still to be applied."""
        ...
