"""A directly trained network in training: a loss over time, and the regulation of its firing rates.

Its gauges: mean spikes a neuron and step, of each stage. A stage that did not fire on
any validation sample, as the network is evaluated, is told.
"""

from typing import Any

from torch import Tensor, nn

from spikewright.ann.ops import Activating
from spikewright.snn.blueprint import Blueprint
from spikewright.training.ann.trainable import TrainableSource
from spikewright.training.ann.trainee import by_decay
from spikewright.training.settings import TrainSettings
from spikewright.training.snn.losses import LOSSES, regulation, require_loss
from spikewright.training.snn.network import TrainingNetwork


class SpikingTrainee(nn.Module):
    """Train `network` by the loss of that name (`losses.LOSSES`).

    `rate_penalty` is λ of the regulation of firing rates; 0 regulates none. `weights` [K] are those of the classes.

    Raises:
        BadSetting: as `losses.require_loss` says.
    """

    weights: Tensor | None

    def __init__(
        self,
        network: TrainingNetwork,
        *,
        loss: str,
        label_smoothing: float = 0.0,
        rate_penalty: float = 0.0,
        weights: Tensor | None = None,
    ) -> None:
        super().__init__()
        require_loss(loss, readout=network.settings.readout, rate_penalty=rate_penalty)
        self.network = network
        # neurons that make the output are the last layer, which is left alone
        self.regulated = len(network.stages) - isinstance(network.source.nodes[-1].op, Activating)
        self.name, self.label_smoothing, self.rate_penalty = loss, label_smoothing, rate_penalty
        self.register_buffer("weights", weights, persistent=False)

    def loss(self, x: Tensor, y: Tensor, *, step: int, progress: float) -> tuple[Tensor, Tensor]:
        """The loss of x [N, *sample_shape] and labels y; firing rates [stages]."""
        found = self.network.run(x, key=(step,), progress=progress, regulated=self.rate_penalty > 0)
        loss = LOSSES[self.name](found.output.float(), y, self.label_smoothing, self.weights)
        if self.rate_penalty > 0:
            loss = loss + self.rate_penalty * regulation(found.rates[: self.regulated])
        return loss, found.rates.detach()

    @property
    def latent(self) -> TrainableSource:
        """The weights at full precision."""
        return self.network.latent

    def scores(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The output summed over time, [N, K], and firing rates [stages]."""
        found = self.network.run(x)
        return found.output.sum(0), found.rates

    def after_step(self, progress: float) -> None:
        """Nothing to bring back: leaks are sigmoids, and formats clip or standardise by themselves."""

    def groups(self, settings: TrainSettings, *, steps: int) -> list[dict[str, Any]]:  # noqa: ARG002
        """Decay on weights of two or more axes alone."""
        return by_decay(list(self.parameters()), settings)

    def reported(self, gauges: list[float], rates: list[float]) -> dict[str, Any]:
        """Mean firing rate over the stages, and the stages that are dead in evaluation."""
        dead = tuple(name for name, rate in zip(self.network.stages, rates, strict=True) if rate == 0)
        return {"firing_rate": sum(gauges) / len(gauges), "dead_stages": dead}

    def result(self) -> Blueprint:
        """The network as it is stored and run."""
        return self.network.freeze()
