"""The training step as a Lightning module: cross-entropy plus the price of bits or steps, SGD, warm-up and cosine.

Knows nothing about files; its checkpoint holds numbers, text and tensors alone, and so loads without code.
"""

import math
import time
from collections.abc import Callable
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor
from torch.nn import functional as F
from torch.optim.lr_scheduler import LambdaLR

from spikewright.errors import BadModel
from spikewright.interpreter import Activate, as_trained
from spikewright.source import Source
from spikewright.training.settings import Epoch, TrainSettings
from spikewright.training.sparsity import BitPenalty
from spikewright.training.timesteps import LearnedTimesteps
from spikewright.training.trainable import TrainableSource

SETTLED = 0.9  # share of all steps after which learned timesteps no longer rise above their target


class Fitting(LightningModule):
    """Train `network` for `steps` batches in all.

    `timesteps` stands in for the network's activations where it is given. `history` has one entry per epoch;
    `identity` is kept in checkpoints, to tell trainings apart.
    """

    def __init__(
        self,
        network: TrainableSource,
        settings: TrainSettings,
        *,
        steps: int,
        identity: dict[str, Any],
        timesteps: LearnedTimesteps | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.timesteps = timesteps
        self.settings = settings
        self.steps = steps
        self.identity = identity
        self.history: list[dict[str, Any]] = []
        self._sums = torch.zeros(3)
        self._right = torch.zeros(2)
        self._began = 0.0

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:  # noqa: ARG002
        """Loss of one batch (x [N, *input_shape], y int64 [N])."""
        x, y = batch
        penalty = BitPenalty() if self.settings.sparsity > 0 else None
        logits = self.network(x, self._activate if penalty is None else penalty)
        loss = F.cross_entropy(logits.float(), y, label_smoothing=self.settings.label_smoothing)
        bits = loss.new_zeros(())
        if penalty is not None:
            bits = penalty.per_sample()
            loss = loss + self.settings.sparsity * bits
        if self.timesteps is not None:
            loss = loss + self.timesteps.penalty()
        # summed where they are: reading them out would make an accelerator wait
        self._sums = self._sums.to(loss.device) + torch.stack([loss.detach(), bits.detach(), torch.ones_like(loss)])
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        """Keep θ > 0, and learned timesteps at 1 or more."""
        self.network.keep_thresholds_positive()
        if self.timesteps is not None:
            self.timesteps.guard(settle=self.global_step >= SETTLED * self.steps)

    def on_train_epoch_start(self) -> None:
        """Forget the sums of the epoch before."""
        self._sums = torch.zeros(3)
        self._began = time.monotonic()

    def on_validation_epoch_start(self) -> None:
        """Start counting."""
        self._right = torch.zeros(2)

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:  # noqa: ARG002
        """Count the right answers of one batch."""
        x, y = batch
        self._right += torch.tensor([int((self.network(x, self._activate).argmax(1) == y).sum()), len(y)])

    def on_train_epoch_end(self) -> None:
        """Write the epoch into the history; runs after its validation and before its checkpoint."""
        right, count = self._reduced(self._right)
        loss, bits, batches = self._reduced(self._sums)
        if not math.isfinite(loss):
            raise BadModel(f"training: the loss is not finite in epoch {self.current_epoch + 1}: lower --learning-rate")
        entry = {
            "epoch": self.current_epoch,
            "loss": loss / max(batches, 1),
            "bits_per_sample": bits / max(batches, 1) if self.settings.sparsity > 0 else None,
            "accuracy_validation": right / max(count, 1),
            "seconds": time.monotonic() - self._began,
            "timesteps_mean": None if self.timesteps is None else self.timesteps.mean,
        }
        self.history = [*self.history, entry]

    def configure_optimizers(self) -> Any:
        """SGD with decay on weights of two or more axes, and a rate that is a function of the step alone.

        What sets the resolution of learned timesteps has a rate of its own, and no momentum: the price of a
        step is switched off at the target, and what still moved then would pass it by.
        """
        settings = self.settings
        timesteps = [] if self.timesteps is None else [self.timesteps.first]
        decayed = [p for p in self.parameters() if p.dim() > 1]
        free = [p for p in self.parameters() if p.dim() <= 1 and not any(p is other for other in timesteps)]
        groups: list[dict[str, Any]] = [
            {"params": decayed, "weight_decay": settings.weight_decay},
            {"params": free, "weight_decay": 0.0},
        ]
        if self.timesteps is not None:
            rate = self.timesteps.settings.timestep_rate * self.timesteps.pace / max(self.steps, 1)
            still = {"weight_decay": 0.0, "momentum": 0.0, "nesterov": False}
            groups.append({"params": timesteps, "lr": rate, **still})
        optimiser = torch.optim.SGD(
            [group for group in groups if group["params"]],
            lr=settings.learning_rate,
            momentum=settings.momentum,
            nesterov=settings.momentum > 0,
        )
        schedule = LambdaLR(optimiser, warm_up_and_cosine(self.steps, settings.warm_up))
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the history, and whose it is."""
        checkpoint["identity"] = self.identity
        checkpoint["history"] = self.history

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with the history."""
        self.history = checkpoint["history"]

    @property
    def epochs(self) -> tuple[Epoch, ...]:
        """The history as data."""
        return tuple(Epoch(**entry) for entry in self.history)

    def trained(self) -> Source:
        """The network as it is now, with the timesteps learned as its levels."""
        source = self.network.to_source()
        return source if self.timesteps is None else self.timesteps.into(source)

    @property
    def _activate(self) -> Activate:
        return as_trained if self.timesteps is None else self.timesteps

    def _reduced(self, sums: Tensor) -> list[float]:
        if self.trainer.world_size > 1:
            sums = self.trainer.strategy.reduce(sums.to(self.device), reduce_op="sum")
        return sums.tolist()


def warm_up_and_cosine(steps: int, share: float) -> Callable[[int], float]:
    """Factor on the learning rate at a step: linear over `share` of all steps, then a cosine to 0."""
    rise = math.ceil(steps * share)

    def factor(step: int) -> float:
        if step < rise:
            return (step + 1) / rise
        return 0.5 * (1 + math.cos(math.pi * min((step - rise) / max(steps - rise, 1), 1.0)))

    return factor
