"""What is told of a training: how far an epoch is, and its figures in a line once it is done."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from spikewright.data.progress import Progress
from spikewright.measure.accuracy import far_from_mean
from spikewright.training.lightning_module import Fitting


class EpochProgress(Callback):
    """Tells `on_progress` of the epochs of this run; of several processes the first one alone speaks."""

    def __init__(self, epochs: int, on_progress: Progress) -> None:
        self.epochs, self.on_progress = epochs, on_progress
        self.shown = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Pass over the epochs of an earlier run."""
        self.shown = len(_history(pl_module))

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The line of the epoch before comes first: the module has closed it by now."""
        self._report_lines(trainer, pl_module)
        self._report(trainer, 0)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,  # noqa: ARG002
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,
    ) -> None:
        """One more batch is done."""
        self._report(trainer, batch_idx + 1)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The line of the last epoch."""
        self._report_lines(trainer, pl_module)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:  # noqa: ARG002
        """What was done before is told all the same."""
        self._report_lines(trainer, pl_module)

    def _report(self, trainer: Trainer, done: int) -> None:
        if trainer.is_global_zero:
            self.on_progress(
                f"epoch {trainer.current_epoch + 1}/{self.epochs}", done, int(trainer.num_training_batches)
            )

    def _report_lines(self, trainer: Trainer, module: LightningModule) -> None:
        for entry in _history(module)[self.shown :]:
            self.shown += 1
            if trainer.is_global_zero:
                for line in self._lines(entry):
                    self.on_progress("epochs", 0, 0, note=line)

    def _lines(self, entry: dict[str, Any]) -> list[str]:
        mean = entry.get("timesteps_mean")
        steps = "" if mean is None else f"mean timesteps {mean:.2f}, "
        rate = entry.get("firing_rate")
        steps += "" if rate is None else f"{rate:.3f} spikes a neuron and step, "
        return [
            f"epoch {entry['epoch'] + 1}/{self.epochs}: loss {entry['loss']:.4f}, "
            f"validation {entry['accuracy_validation']:.2%}{_of_classes(entry)}, {steps}{entry['seconds']:.0f} s",
            *(
                f"warning: stage {name!r} fired on no validation image: lower --threshold, raise --leak, or take "
                "a wider --surrogate"
                for name in entry.get("dead_stages", ())
            ),
        ]


def _of_classes(entry: dict[str, Any]) -> str:
    """The mean of the classes' accuracies, where it is far from the accuracy."""
    balanced = entry.get("accuracy_balanced")
    return f" (mean of the classes {balanced:.2%})" if far_from_mean(entry["accuracy_validation"], balanced) else ""


def _history(module: LightningModule) -> list[dict[str, Any]]:
    return module.history if isinstance(module, Fitting) else []
