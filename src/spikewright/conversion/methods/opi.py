"""OPI: lockstep from half a threshold, which makes the expected error of a uniform activation zero.

    v0 = θ/2 in the classical scale, unit/2 in the value scale
Source: Bu et al. 2022 (optimised potential initialisation). Thresholds are those that training set, else a
percentile of the activations: on a source trained with levels it is QCFS.
"""

from dataclasses import dataclass
from typing import ClassVar

from spikewright.ann.source import Source
from spikewright.conversion.methods._rate import PercentileMethod, per_activation, rate_blueprint
from spikewright.conversion.observe import Statistics
from spikewright.snn.blueprint import Blueprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Opi(PercentileMethod):
    """Half a threshold to begin with."""

    USES_TRAINED: ClassVar[bool] = True

    def __call__(self, source: Source, statistics: Statistics | None = None) -> Blueprint:
        """Convert."""
        thresholds = self.thresholds(source, statistics)
        return rate_blueprint(source, thresholds, per_activation(source, self.timesteps))
