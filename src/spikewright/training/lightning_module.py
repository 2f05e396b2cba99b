"""The training step as a Lightning module: any trainee, an optimiser, warm-up and cosine.

Knows nothing about files; its checkpoint holds numbers, text and tensors alone, and so loads without code.
"""

import math
import time
from collections.abc import Callable
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

from spikewright.errors import BadModel
from spikewright.measure.accuracy import ByClass
from spikewright.training.settings import Epoch, TrainSettings
from spikewright.training.trainee import Trainee

_ADAPTIVE = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}  # weight decay in the gradient, or beside it

DIVERGED = 1e6  # a mean loss of so much is no learning: the log of the number of classes is that of a guess


class Fitting(LightningModule):
    """Train `trainee` for `steps` batches in all.

    `history` has one entry per epoch; `identity` is kept in checkpoints, to tell trainings apart.
    """

    def __init__(self, trainee: Trainee, settings: TrainSettings, *, steps: int, identity: dict[str, Any]) -> None:
        super().__init__()
        self.trainee = trainee
        self.settings = settings
        self.steps = steps
        self.identity = identity
        self.history: list[dict[str, Any]] = []
        self._sums = torch.zeros(0)
        self._classes = torch.zeros(2, 0)  # right answers and samples, by class
        self._rates = torch.zeros(0)
        self._began = 0.0

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:  # noqa: ARG002
        """Loss of one batch (x [N, *input_shape], y int64 [N])."""
        x, y = batch
        loss, gauges = self.trainee.loss(x, y, step=self._batch_number, progress=self._progress)
        # summed where they are: reading them out would make an accelerator wait
        reported = torch.cat([torch.ones(1, device=loss.device), loss.detach().reshape(1), gauges])
        self._sums = reported if len(self._sums) != len(reported) else self._sums.to(loss.device) + reported
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        """Let the trainee bring its parameters back into range."""
        self.trainee.after_step(self._progress)

    def on_train_epoch_start(self) -> None:
        """Forget the sums of the epoch before."""
        self._sums = torch.zeros(0)
        self._began = time.monotonic()

    def on_validation_epoch_start(self) -> None:
        """Start counting."""
        self._classes = torch.zeros(2, 0)
        self._rates = torch.zeros(0)

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:  # noqa: ARG002
        """Count the right answers of one batch, and what fires on it."""
        x, y = batch
        scores, rates = self.trainee.scores(x)
        hits, most = y[scores.argmax(1) == y], scores.shape[1]
        classes = torch.stack([torch.bincount(some.cpu(), minlength=most) for some in (hits, y)])
        self._classes = classes if len(self._classes[0]) != most else self._classes + classes
        weighted = rates.double().cpu() * len(y)
        self._rates = weighted if len(self._rates) != len(weighted) else self._rates + weighted

    def on_train_epoch_end(self) -> None:
        """Write the epoch into the history; runs after its validation and before its checkpoint."""
        validated = ByClass(*(tuple(map(int, row)) for row in self._reduced(self._classes)))
        batches, loss, *gauges = self._reduced(self._sums)
        rates = self._reduced(self._rates) if len(self._rates) else gauges
        self._require_sound(loss / max(batches, 1))
        entry = {
            "epoch": self.current_epoch,
            "loss": loss / max(batches, 1),
            "accuracy_validation": validated.share,
            "accuracy_balanced": validated.balanced,
            "accuracy_by_class": validated.shares,
            "seconds": time.monotonic() - self._began,
            **self.trainee.reported([gauge / max(batches, 1) for gauge in gauges], rates),
        }
        self.history = [*self.history, entry]

    def _require_sound(self, loss: float) -> None:
        epoch, rate = self.current_epoch + 1, f"{self.settings.learning_rate:g}"
        if not math.isfinite(loss):
            raise BadModel(f"training: the loss is not finite in epoch {epoch}: lower --learning-rate (it is {rate})")
        if loss > DIVERGED:
            raise BadModel(f"training: the loss is {loss:.3g} in epoch {epoch}: lower --learning-rate (it is {rate})")
        for name, array in self.trainee.latent.arrays.items():
            if not bool(torch.isfinite(array).all()):
                raise BadModel(
                    f"training: {name} is no longer finite in epoch {epoch}: lower --learning-rate (it is {rate})"
                )

    def configure_optimizers(self) -> Any:
        """SGD or Adam, and a rate that is a function of the step alone."""
        settings = self.settings
        groups = self.trainee.groups(settings, steps=self.steps)
        optimiser: torch.optim.Optimizer
        if settings.optimiser in _ADAPTIVE:
            optimiser = _ADAPTIVE[settings.optimiser](groups, lr=settings.learning_rate)
        else:
            momentum = settings.momentum
            optimiser = torch.optim.SGD(groups, lr=settings.learning_rate, momentum=momentum, nesterov=momentum > 0)
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

    @property
    def _batch_number(self) -> int:
        """Another number for every batch of every device: what is drawn by it is drawn anew."""
        devices = 1 if self._trainer is None else self._trainer.world_size
        return self.global_step * devices + self.global_rank

    @property
    def _progress(self) -> float:
        return min(self.global_step / max(self.steps, 1), 1.0)

    def _reduced(self, sums: Tensor) -> list[Any]:
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
