"""SRP: a warm-up of τ steps silences the neurons that it leaves without potential; then T steps.

Source: Hao et al. 2023 ("Reducing ANN-SNN conversion error through residual membrane potential"); the schedule is
`spikewright.snn.schedules.probed`. Latency and energy count the warm-up.
"""

from dataclasses import dataclass

from spikewright.ann.source import Source
from spikewright.conversion.methods._rate import TrainedMethod, per_activation, rate_blueprint
from spikewright.conversion.observe import Statistics
from spikewright.errors import BadSetting
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.schedules.probed import Probed


@dataclass(frozen=True, slots=True, kw_only=True)
class Srp(TrainedMethod):
    """QCFS behind a probe.

    Attributes:
        warmup: τ ≥ 1 steps before the window.
    """

    warmup: int = 4

    def __post_init__(self) -> None:
        TrainedMethod.__post_init__(self)
        if self.warmup < 1:
            raise BadSetting(f"warmup must be at least 1, got {self.warmup}: srp probes with it")

    def __call__(self, source: Source, statistics: Statistics | None = None) -> Blueprint:
        """Convert."""
        thresholds, steps = self.thresholds(source, statistics), per_activation(source, self.timesteps)
        return rate_blueprint(source, thresholds, steps, schedule=Probed(), warmup=self.warmup)
