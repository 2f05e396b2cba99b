"""Percentile norm: each layer's threshold is a percentile of its activations; lockstep with soft reset from zero.

A few outliers no longer set the scale for all.
Source: Rueckauer et al. 2017 ("robust" normalisation), with the soft reset of Han et al. 2020 (RMP).
"""

from dataclasses import dataclass

from spikewright.ann.source import Source
from spikewright.conversion.methods._rate import PercentileMethod, per_activation, rate_blueprint
from spikewright.conversion.observe import Statistics
from spikewright.snn.blueprint import Blueprint


@dataclass(frozen=True, slots=True, kw_only=True)
class PercentileNorm(PercentileMethod):
    """Thresholds that few activations exceed."""

    def __call__(self, source: Source, statistics: Statistics | None = None) -> Blueprint:
        """Convert."""
        thresholds = self.thresholds(source, statistics)
        return rate_blueprint(source, thresholds, per_activation(source, self.timesteps), start=0.0)
