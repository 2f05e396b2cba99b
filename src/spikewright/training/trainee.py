"""What the training loop trains: something with a loss, scores and parameters. One file for each kind."""

from typing import Any, Protocol

from torch import Tensor

from spikewright.training.ann.trainable import TrainableSource
from spikewright.training.settings import TrainSettings


class Trainee(Protocol):
    """A module (nn.Module) that learns from batches of prepared inputs x [N, *] and labels y int64 [N]."""

    def loss(self, x: Tensor, y: Tensor, *, step: int, progress: float) -> tuple[Tensor, Tensor]:
        """The loss of a batch, and gauges [G] without gradient, whose means are told.

        `step` counts batches over the whole training and all devices, `progress` is the share of the training that is
        done, 0 … 1.
        """
        ...

    @property
    def latent(self) -> TrainableSource:
        """The arrays that it learns."""
        ...

    def scores(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """One row of class scores a sample, [N, K]; and each stage's mean spikes a neuron and step, [S], S may be 0."""
        ...

    def after_step(self, progress: float) -> None:
        """Bring parameters back into range."""
        ...

    def groups(self, settings: TrainSettings, *, steps: int) -> list[dict[str, Any]]:
        """Parameter groups for the optimiser, empty ones left out."""
        ...

    def reported(self, gauges: list[float], rates: list[float]) -> dict[str, Any]:
        """What an epoch's history says besides loss and accuracy: fields of `settings.Epoch`.

        `gauges` are means over the epoch's batches, `rates` over the validation samples after it.
        """
        ...
