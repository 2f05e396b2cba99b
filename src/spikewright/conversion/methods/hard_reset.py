"""Percentile norm with reset to zero: the contrast to soft reset, which keeps what is above the threshold.

Source: Cao et al. 2015, Diehl et al. 2015; the percentile after Rueckauer et al. 2017.
"""

from dataclasses import dataclass

from spikewright.ann.source import Source
from spikewright.conversion.methods._rate import PercentileMethod, per_activation, rate_blueprint
from spikewright.conversion.observe import Statistics
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.neurons.hard_reset import HardReset as Law


@dataclass(frozen=True, slots=True, kw_only=True)
class HardReset(PercentileMethod):
    """Thresholds as in percentile norm, membranes cleared at each spike."""

    def __call__(self, source: Source, statistics: Statistics | None = None) -> Blueprint:
        """Convert."""
        thresholds = self.thresholds(source, statistics)
        return rate_blueprint(source, thresholds, per_activation(source, self.timesteps), start=0.0, law=Law())
