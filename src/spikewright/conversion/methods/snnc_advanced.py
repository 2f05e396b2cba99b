"""SNNC, advanced: thresholds of least error, then each neuron's initial potential corrected on data.

Source: Li et al. 2021, advanced pipeline; of its two parts, weights and potentials, the potentials. Thresholds as
in `snnc_light`.
"""

from dataclasses import dataclass

from spikewright.ann.source import Source
from spikewright.conversion.calibrators import Calibrator
from spikewright.conversion.calibrators.mean_potential import MeanPotential
from spikewright.conversion.methods._rate import LeastErrorMethod, per_activation, rate_blueprint
from spikewright.conversion.observe import Statistics
from spikewright.snn.blueprint import Blueprint


@dataclass(frozen=True, slots=True, kw_only=True)
class SnncAdvanced(LeastErrorMethod):
    """Least-error thresholds and corrected potentials."""

    @property
    def calibrators(self) -> tuple[Calibrator, ...]:
        """The correction of initial potentials."""
        return (MeanPotential(),)

    def __call__(self, source: Source, statistics: Statistics | None = None) -> Blueprint:
        """Convert; the potentials are still to be corrected."""
        return rate_blueprint(source, self.thresholds(source, statistics), per_activation(source, self.timesteps))
