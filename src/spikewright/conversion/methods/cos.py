"""COS: a warm-up of ρ steps, replayed, corrects each neuron's initial potential; then T steps.

Source: Hao et al. 2023 ("Bridging the gap between ANNs and SNNs by calibrating offset spikes"); the schedule is
`spikewright.snn.schedules.corrected`. Latency and energy count the warm-up. The paper has ρ fixed at 4 to 16
whatever T; by default it is T here, at most 8.
"""

from dataclasses import dataclass

from spikewright.ann.source import Source
from spikewright.conversion.methods._rate import TrainedMethod, per_activation, rate_blueprint
from spikewright.conversion.observe import Statistics
from spikewright.errors import BadSetting
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.schedules.corrected import Corrected


@dataclass(frozen=True, slots=True, kw_only=True)
class Cos(TrainedMethod):
    """QCFS with corrected initial potentials.

    Attributes:
        warmup: ρ ≥ 1 steps before the window; None takes T, at most 8.
        rounds: how often the warm-up is replayed to correct, at least 1.
    """

    warmup: int | None = None
    rounds: int = 1

    def __post_init__(self) -> None:
        TrainedMethod.__post_init__(self)
        if self.warmup is not None and self.warmup < 1:
            raise BadSetting(f"warmup must be at least 1, got {self.warmup}: cos corrects by it")
        _ = Corrected(self.rounds)

    def __call__(self, source: Source, statistics: Statistics | None = None) -> Blueprint:
        """Convert."""
        thresholds, steps = self.thresholds(source, statistics), per_activation(source, self.timesteps)
        schedule, warmup = Corrected(self.rounds), self.warmup or min(self.timesteps, 8)
        return rate_blueprint(source, thresholds, steps, schedule=schedule, warmup=warmup)
