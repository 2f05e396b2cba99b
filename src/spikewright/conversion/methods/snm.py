"""Signed neuron with memory: neurons may take back spikes that came too early.

Source: Wang et al. 2022 (SNM); the law is `spikewright.snn.neurons.signed`. It starts from half a unit, as what it
corrects is unevenness. Thresholds are those that training set, else a percentile of the activations.
"""

from dataclasses import dataclass
from typing import ClassVar

from spikewright.ann.source import Source
from spikewright.conversion.methods._rate import PercentileMethod, per_activation, rate_blueprint
from spikewright.conversion.observe import Statistics
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.neurons.signed import Signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Snm(PercentileMethod):
    """Spikes of both signs."""

    USES_TRAINED: ClassVar[bool] = True

    def __call__(self, source: Source, statistics: Statistics | None = None) -> Blueprint:
        """Convert."""
        thresholds = self.thresholds(source, statistics)
        return rate_blueprint(source, thresholds, per_activation(source, self.timesteps), law=Signed())
