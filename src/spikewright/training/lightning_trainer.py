"""The Lightning trainer that runs a training: its devices, precision and checkpoints.

Knows nothing of networks and data.
"""

from pathlib import Path

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from spikewright.data.progress import Progress, silent
from spikewright.errors import BadSetting
from spikewright.training import checkpoints
from spikewright.training.epoch_progress import EpochProgress
from spikewright.training.settings import TrainSettings


def require_device(settings: TrainSettings) -> None:
    """Refuse a device that is not there, before anything is read or written.

    Raises:
        BadSetting: as `trainer_of`.
    """
    _ = trainer_of(settings, None, on_progress=silent)


def trainer_of(settings: TrainSettings, folder: Path | None, *, on_progress: Progress) -> Trainer:
    """The trainer; it keeps the newest checkpoint in `folder`, or none.

    Raises:
        BadSetting: there is no such device, or not so many, or not in this precision.
    """
    callbacks: list[Callback] = [EpochProgress(settings.epochs, on_progress)]
    if folder is not None:
        # save_top_k=1 without a figure to watch keeps the newest
        callbacks.append(
            ModelCheckpoint(dirpath=folder, filename="epoch-{epoch}", auto_insert_metric_name=False, save_top_k=1)
        )
    kind, _, index = settings.device.partition(":")
    if index and (settings.devices > 1 or not index.isdigit()):
        raise BadSetting(f"training: device '{settings.device}' x {settings.devices}: name one device, as cuda:1")
    try:
        return Trainer(
            accelerator=kind,
            devices=[int(index)] if index else settings.devices,
            precision=settings.precision,  # pyright: ignore[reportArgumentType]
            max_epochs=settings.epochs,
            callbacks=callbacks,
            plugins=[checkpoints.WholeCheckpoints()],
            logger=False,
            enable_checkpointing=folder is not None,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
        )
    except (ValueError, RuntimeError) as error:
        words = " ".join(str(error).split())
        raise BadSetting(f"training: device '{settings.device}' x {settings.devices}: {words}") from None
    except Exception as error:  # Lightning's own kinds, as for a GPU that is not there
        raise BadSetting(f"training: device '{settings.device}': {' '.join(str(error).split())}") from None
