"""Threshold shift (RTS): half a threshold of extra current, spread over the window.

    bias + θ/(2T) per step in the classical scale; unit/2 more over the window in the value scale; v0 = 0
Source: Deng & Gu 2021. Over a window it adds what OPI starts with, but it comes later. Thresholds are those that
training set, else a percentile of the activations.
"""

from dataclasses import dataclass
from typing import ClassVar

from spikewright.ann.source import Source
from spikewright.conversion.assemble import with_shift
from spikewright.conversion.methods._rate import PercentileMethod, per_activation, rate_blueprint
from spikewright.conversion.observe import Statistics
from spikewright.snn.blueprint import Blueprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Rts(PercentileMethod):
    """Half a threshold over the window."""

    USES_TRAINED: ClassVar[bool] = True

    def __call__(self, source: Source, statistics: Statistics | None = None) -> Blueprint:
        """Convert."""
        thresholds = self.thresholds(source, statistics)
        blueprint = rate_blueprint(source, thresholds, per_activation(source, self.timesteps), start=0.0)
        units = {node.name: blueprint.arrays[f"{node.name}.threshold"] for node in blueprint.plan.stages}
        return with_shift(blueprint, {name: unit / 2 for name, unit in units.items()})
