"""SlipReLU: QCFS's conversion of a source that was trained with a mean of clipped ReLU and rounding.

    a = slip · clip(z, 0, θ) + (1 − slip) · QCFS(z)
Source: Jiang et al. 2023. The network that comes out fires as QCFS does; what differs is the source.
"""

from dataclasses import dataclass

from spikewright.ann.ops import Activating
from spikewright.ann.source import Source
from spikewright.conversion.methods._rate import TrainedMethod, per_activation, rate_blueprint
from spikewright.conversion.observe import Statistics
from spikewright.errors import BadSetting
from spikewright.snn.blueprint import Blueprint


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipRelu(TrainedMethod):
    """Lockstep from half a unit, of a source trained for it."""

    def __call__(self, source: Source, statistics: Statistics | None = None) -> Blueprint:
        """Convert.

        Raises:
            BadSetting: the source was not trained with SlipReLU.
        """
        if not any(isinstance(node.op, Activating) and node.op.slip > 0 for node in source.activations):
            raise BadSetting(
                "slip_relu: the source was not trained with it: train with `--levels 8 --slip 0.4`, or use qcfs"
            )
        thresholds = self.thresholds(source, statistics)
        return rate_blueprint(source, thresholds, per_activation(source, self.timesteps))
