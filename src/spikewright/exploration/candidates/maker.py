"""How points become networks: what every maker has, and the rounding of weights that all candidates go through."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from spikewright.ann.source import Source
from spikewright.conversion.post_training import repair_thresholds
from spikewright.conversion.quantise import quantise
from spikewright.exploration.request.points import Point
from spikewright.exploration.request.settings import WeightSettings
from spikewright.measure.samples import Prepared
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.uniform import Uniform


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Made:
    """A network, what its run folder says of it, and the source that it can be compared with, if there is one."""

    blueprint: Blueprint
    about: dict[str, Any]
    source: Source | None = None


class Maker(Protocol):
    """Makes the candidates of one search."""

    @property
    def validation(self) -> Prepared:
        """The validation split as its networks take it."""
        ...

    @property
    def test(self) -> Prepared:
        """The test split as its networks take it."""
        ...

    def possible(self, points: Sequence[Point]) -> list[Point]:
        """Those of the points that there are networks for.

        Raises:
            BadSetting: a setting that no network can have.
        """
        ...

    def make(self, point: Point, folder: Path) -> Made:
        """Make a point's network; what takes long is kept in `folder` and gone on from.

        Raises:
            SpikewrightError: it cannot be made.
        """
        ...


def stored(blueprint: Blueprint, bits: int, weights: WeightSettings, calibration: Sequence[Tensor]) -> Blueprint:
    """The network with weights of so many bits, as the search rounds all of them.

    Args:
        blueprint: with its weights as they are.
        bits: 2..16.
        weights: how.
        calibration: prepared inputs, for thresholds that are mended.
    """
    rounded = quantise(blueprint, Uniform(bits=bits, per_channel=weights.per_channel))
    return repair_thresholds(rounded, blueprint, calibration) if weights.repair_thresholds else rounded
