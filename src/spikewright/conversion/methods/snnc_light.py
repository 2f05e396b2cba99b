"""SNNC, light: thresholds of least error, then each channel's bias corrected on data.

Source: Li et al. 2021, light pipeline. Differs: thresholds are searched with rounding, as the network starts
from half a unit, and refined below the paper's grid of 1 % of the largest activation.
"""

from dataclasses import dataclass

from spikewright.ann.source import Source
from spikewright.conversion.calibrators import Calibrator
from spikewright.conversion.calibrators.mean_bias import MeanBias
from spikewright.conversion.methods._rate import LeastErrorMethod, per_activation, rate_blueprint
from spikewright.conversion.observe import Statistics
from spikewright.snn.blueprint import Blueprint


@dataclass(frozen=True, slots=True, kw_only=True)
class SnncLight(LeastErrorMethod):
    """Least-error thresholds and corrected biases."""

    @property
    def calibrators(self) -> tuple[Calibrator, ...]:
        """The bias correction."""
        return (MeanBias(),)

    def __call__(self, source: Source, statistics: Statistics | None = None) -> Blueprint:
        """Convert; the biases are still to be corrected."""
        return rate_blueprint(source, self.thresholds(source, statistics), per_activation(source, self.timesteps))
