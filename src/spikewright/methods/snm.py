"""Signed neuron with memory: neurons may take back spikes that came too early.

Source: Wang et al. 2022 (SNM); the law is `spikewright.neurons.signed`. It starts from half a unit, as what it
corrects is unevenness. Thresholds are those that training set, else a percentile of the activations.
"""

from dataclasses import dataclass
from typing import ClassVar

from spikewright.blueprint import Blueprint
from spikewright.methods._rate import PercentileMethod, per_activation, rate_blueprint
from spikewright.neurons.signed import Signed
from spikewright.source import Source
from spikewright.statistics import Statistics


@dataclass(frozen=True, slots=True, kw_only=True)
class Snm(PercentileMethod):
    """Spikes of both signs."""

    KEEPS_TRAINED: ClassVar[bool] = True

    def __call__(self, source: Source, statistics: Statistics | None = None) -> Blueprint:
        """Convert."""
        thresholds = self.thresholds(source, statistics)
        return rate_blueprint(source, thresholds, per_activation(source, self.timesteps), law=Signed())
