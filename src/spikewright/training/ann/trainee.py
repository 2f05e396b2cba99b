"""A source network in training: cross-entropy plus the price of bits or steps. Its gauge: bits per sample."""

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from spikewright.ann.interpreter import Activate, as_trained
from spikewright.ann.source import Source
from spikewright.training.ann.sparsity import BitPenalty
from spikewright.training.ann.trainable import TrainableSource
from spikewright.training.settings import TrainSettings
from spikewright.training.timesteps.learned import LearnedTimesteps

SETTLED = 0.9  # share of all steps after which learned timesteps no longer rise above their target


class SourceTrainee(nn.Module):
    """Train `network`; `timesteps` stands in for its activations where it is given, `weights` [K] weigh the classes."""

    weights: Tensor | None

    def __init__(
        self,
        network: TrainableSource,
        settings: TrainSettings,
        timesteps: LearnedTimesteps | None = None,
        *,
        weights: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.timesteps = timesteps
        self.sparsity, self.label_smoothing = settings.sparsity, settings.label_smoothing
        self.register_buffer("weights", weights, persistent=False)

    def loss(self, x: Tensor, y: Tensor, *, step: int, progress: float) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Cross-entropy of x [N, *input_shape] and labels y, with what bits and steps cost; bits per sample [1]."""
        penalty = BitPenalty() if self.sparsity > 0 else None
        logits = self.network(x, self._activate if penalty is None else penalty)
        loss = F.cross_entropy(logits.float(), y, weight=self.weights, label_smoothing=self.label_smoothing)
        bits = loss.new_zeros(())
        if penalty is not None:
            bits = penalty.per_sample()
            loss = loss + self.sparsity * bits
        if self.timesteps is not None:
            loss = loss + self.timesteps.penalty()
        return loss, bits.detach().reshape(1)

    @property
    def latent(self) -> TrainableSource:
        """The network itself."""
        return self.network

    def scores(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [N, K]; nothing spikes."""
        return self.network(x, self._activate), x.new_zeros(0)

    def after_step(self, progress: float) -> None:
        """Keep θ > 0, and learned timesteps at 1 or more."""
        self.network.clamp_thresholds()
        if self.timesteps is not None:
            self.timesteps.guard(settle=progress >= SETTLED)

    def groups(self, settings: TrainSettings, *, steps: int) -> list[dict[str, Any]]:
        """Decay on weights of two or more axes alone.

        What sets the resolution of learned timesteps has a rate of its own, and no momentum: the price of a
        step is switched off at the target, and what still moved then would pass it by.
        """
        apart = [] if self.timesteps is None else [self.timesteps.first]
        groups = by_decay([p for p in self.parameters() if not any(p is other for other in apart)], settings)
        if self.timesteps is not None:
            rate = self.timesteps.settings.timestep_rate * self.timesteps.pace / max(steps, 1)
            still = {"weight_decay": 0.0, "momentum": 0.0, "nesterov": False}
            groups.append({"params": apart, "lr": rate, **still})
        return groups

    def reported(self, gauges: list[float], rates: list[float]) -> dict[str, Any]:  # noqa: ARG002
        """Bits per sample where they have a price, mean T where it is learned."""
        return {
            "bits_per_sample": gauges[0] if self.sparsity > 0 else None,
            "timesteps_mean": None if self.timesteps is None else self.timesteps.mean,
        }

    def result(self) -> Source:
        """The network as it is now, with the timesteps learned as its levels."""
        source = self.network.to_source()
        return source if self.timesteps is None else self.timesteps.into(source)

    @property
    def _activate(self) -> Activate:
        return as_trained if self.timesteps is None else self.timesteps


def by_decay(parameters: list[nn.Parameter], settings: TrainSettings) -> list[dict[str, Any]]:
    """Groups with decay on weights of two or more axes, and without on all else."""
    decayed = [p for p in parameters if p.dim() > 1]
    free = [p for p in parameters if p.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": free, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]
