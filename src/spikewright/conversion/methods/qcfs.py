"""QCFS: thresholds from the trained clip, lockstep firing of T steps from half a unit.

    unit = θ/T,  v0 = unit/2,  the image at every step
Source: Bu et al. 2022 (quantisation clip-floor-shift). Any T goes with any number of trained levels. With
`alignment="average"` it is the variant of the QAC paper's Table 8: each layer receives the mean of the layer
before at every step, and the network equals its quantised source exactly. Differs: where training set no
threshold, the one with the least rounding error at T levels is taken.
"""

from dataclasses import dataclass

from spikewright.ann.source import Source
from spikewright.conversion.align import Joining
from spikewright.conversion.methods._rate import TrainedMethod, per_activation, rate_blueprint
from spikewright.conversion.observe import Statistics
from spikewright.snn.blueprint import Blueprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Qcfs(TrainedMethod):
    """Lockstep from half a unit.

    Attributes:
        alignment: None passes spikes on as they come; average, or expansion,reduction as in `Joining.parse`.
    """

    alignment: str | None = None

    def __post_init__(self) -> None:
        TrainedMethod.__post_init__(self)
        _ = self.joining

    @property
    def joining(self) -> Joining | None:
        """How trains are aligned."""
        return None if self.alignment is None else Joining.parse(self.alignment)

    @property
    def exact(self) -> bool:
        """With averaging every stage has a constant current; with one step there is nothing to be uneven."""
        return self.timesteps == 1 or (self.joining is not None and self.joining.exact)

    def __call__(self, source: Source, statistics: Statistics | None = None) -> Blueprint:
        """Convert."""
        thresholds = self.thresholds(source, statistics)
        return rate_blueprint(source, thresholds, per_activation(source, self.timesteps), joining=self.joining)
