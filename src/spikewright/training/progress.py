"""Progress on stderr: a bar while an epoch runs, a line once it is done."""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from spikewright.training.fitting import Fitting


class EpochLines(Callback):
    """Show how far an epoch is, and its loss and validation accuracy when it ends."""

    def __init__(self, epochs: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.epochs = epochs
        self.console = Console(stderr=True)
        self.bar = Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal)
        self.task: TaskID | None = None
        self.shown = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Pass over the epochs of an earlier run; one process alone speaks."""
        self.console.quiet = not trainer.is_global_zero
        self.shown = len(_history(pl_module))

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin a bar."""
        self._show(pl_module)
        self.bar.start()
        label = f"epoch {trainer.current_epoch + 1}/{self.epochs}"
        self.task = self.bar.add_task(label, total=int(trainer.num_training_batches))

    def on_train_batch_end(
        self,
        trainer: Trainer,  # noqa: ARG002
        pl_module: LightningModule,  # noqa: ARG002
        outputs: Any,  # noqa: ARG002
        batch: Any,  # noqa: ARG002
        batch_idx: int,  # noqa: ARG002
    ) -> None:
        """Move it on."""
        if self.task is not None:
            self.bar.advance(self.task)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Take the bar down; the line follows once the module has closed the epoch."""
        if self.task is not None:
            self.bar.remove_task(self.task)
            self.bar.stop()
        self.task = None

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Show the last epoch."""
        self._show(pl_module)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:  # noqa: ARG002
        """Leave the terminal as it was."""
        self._show(pl_module)
        self.bar.stop()

    def _show(self, module: LightningModule) -> None:
        for entry in _history(module)[self.shown :]:
            mean = entry.get("timesteps_mean")
            steps = "" if mean is None else f"mean timesteps {mean:.2f}, "
            rate = entry.get("firing_rate")
            steps += "" if rate is None else f"{rate:.3f} spikes a neuron and step, "
            self.console.print(
                f"epoch {entry['epoch'] + 1}/{self.epochs}: loss {entry['loss']:.4f}, "
                f"validation {entry['accuracy_validation']:.2%}, {steps}{entry['seconds']:.0f} s",
                highlight=False,
            )
            for name in entry.get("dead_stages", ()):
                self.console.print(
                    f"warning: stage {name!r} did not fire in this epoch: lower --threshold, raise --leak, or take "
                    "a wider --surrogate",
                    highlight=False,
                    soft_wrap=True,
                )
            self.shown += 1


def _history(module: LightningModule) -> list[dict[str, Any]]:
    return module.history if isinstance(module, Fitting) else []
