"""Max-norm: each layer's threshold is its largest activation; lockstep with soft reset from zero.

Source: Diehl et al. 2015 (data-based normalisation), with the soft reset of Han et al. 2020 (RMP).
"""

from dataclasses import dataclass

from spikewright.ann.source import Source
from spikewright.conversion.methods._rate import RateMethod, per_activation, rate_blueprint
from spikewright.conversion.observe import Statistics
from spikewright.conversion.thresholds import choose_thresholds, largest_threshold
from spikewright.snn.blueprint import Blueprint


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxNorm(RateMethod):
    """Thresholds that nothing seen exceeds."""

    def __call__(self, source: Source, statistics: Statistics | None = None) -> Blueprint:
        """Convert."""
        thresholds = choose_thresholds(
            source, statistics, lambda seen, op, _: largest_threshold(seen, cap=op.cap), use_trained=False
        )
        return rate_blueprint(source, thresholds, per_activation(source, self.timesteps), start=0.0)
