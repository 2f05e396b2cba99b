"""Fit a captured network to image data: Lightning runs the loop, checkpoints each epoch, and resumes exactly.

Order and augmentation are functions of (seed, epoch, batch), so a resumed run sees what it would have seen.
The last epoch's weights are the result; validation is watched, and test is read once, at the end.
"""

import hashlib
import logging
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from lightning.pytorch import Trainer
from torch import nn

from spikewright.ann.source import Source
from spikewright.data.augment import Augment, Augmentation, Cutout, RandomCrop, RandomFlip
from spikewright.data.autoaugment import AutoAugment
from spikewright.data.batches import Batches
from spikewright.data.dataset import ImageData
from spikewright.data.events.augment import event_augmentation
from spikewright.data.events.dataset import EventData
from spikewright.data.files import made_folder, refusals
from spikewright.data.labelled import Labelled
from spikewright.data.progress import Progress, silent
from spikewright.engines.network import build
from spikewright.errors import BadModel, BadSetting
from spikewright.snn.blueprint import Blueprint
from spikewright.training import checkpoints
from spikewright.training.allocator import retain_freed_memory
from spikewright.training.ann.levels import without_levels
from spikewright.training.ann.trainable import TrainableSource
from spikewright.training.ann.trainee import SourceTrainee
from spikewright.training.batch_norm import estimate_again, measured, require_values, unsettled
from spikewright.training.class_weights import class_weights
from spikewright.training.lightning_module import Fitting
from spikewright.training.lightning_trainer import trainer_of
from spikewright.training.settings import Epoch, TrainReport, TrainSettings
from spikewright.training.share import Share
from spikewright.training.snn.network import TrainingNetwork
from spikewright.training.snn.settings import SpikingTraining
from spikewright.training.snn.trainee import SpikingTrainee
from spikewright.training.timesteps.learned import LearnedTimesteps
from spikewright.training.trainee import Trainee

EVALUATION_BATCH = 500
CHECKPOINTS = "checkpoints"

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


def fit(
    source: Source,
    data: ImageData,
    settings: TrainSettings,
    *,
    out: Path | None = None,
    resume: bool = False,
    on_progress: Progress = silent,
) -> tuple[Source, TrainReport]:
    """Train a source network and measure it.

    Args:
        source: the network, with or without levels; not changed. Where timesteps are learned, its levels and
            thresholds are what they start from.
        data: its train split is learned, validation is watched, test is read once at the end.
        settings: how.
        out: a checkpoint per epoch is kept under `out`/checkpoints; None keeps none.
        resume: go on from the newest checkpoint there, or start where there is none.
        on_progress: told of the batches of each epoch, and of its figures, in a line, once it is done.

    Returns:
        The trained network with the data's input preparation, and the report.

    Raises:
        BadSetting: a setting that cannot be, or a checkpoint of another training.
        BadModel: the network does not fit the data, or its loss is no longer finite.
        KeyboardInterrupt: interrupted; the checkpoints stay.
    """
    _require_fit(source, data)
    source, learning = source.with_preparation(data.preparation), settings.timesteps
    timesteps = None if learning is None else LearnedTimesteps(source, learning)
    network = TrainableSource(source if learning is None else without_levels(source))
    require_values(source, rows=_rows(data, settings), steps_of=lambda _: 1)
    weights = class_weights(settings.class_weights, data.train.labels, classes=source.output_shape[0])
    trainee = SourceTrainee(network, settings, timesteps, weights=weights)
    how = {**asdict(settings), "learn_timesteps": learning is not None}
    del how["timesteps"]
    how |= {} if learning is None else asdict(learning)
    saving = _Saving(out=out, resume=resume, on_progress=on_progress)
    return _fit(trainee, data, settings, {**how, "model": _digest(source)}, saving, as_module=TrainableSource)


def fit_spiking(
    source: Source,
    data: ImageData | EventData,
    settings: TrainSettings,
    spiking: SpikingTraining,
    *,
    out: Path | None = None,
    resume: bool = False,
    on_progress: Progress = silent,
) -> tuple[Blueprint, TrainReport]:
    """Train a spiking network with the topology of a source, and measure it as it is stored.

    Args:
        source: what its neurons, in place of activations, are put into; its weights are what training starts from.
        data: as of `fit`.
        settings: as of `fit`.
        spiking: neurons, input, formats and loss.
        out: as of `fit`.
        resume: as of `fit`.
        on_progress: as of `fit`.

    Returns:
        The network, which runs without the source, and the report.

    Raises:
        BadSetting, BadModel, KeyboardInterrupt: as `fit`; and as `spiking_source` says.
    """
    _require_fit(source, data)
    network = TrainingNetwork(source, spiking.network)
    require_values(network.source, rows=_rows(data, settings), steps_of=network.steps_of)
    trainee = SpikingTrainee(
        network, loss=spiking.loss, label_smoothing=settings.label_smoothing, rate_penalty=spiking.rate_penalty,
        weights=class_weights(settings.class_weights, data.train.labels, classes=source.output_shape[0]),
    )  # fmt: skip
    how = {**asdict(settings), **asdict(spiking), "model": _digest(source)}
    del how["timesteps"]
    saving = _Saving(out=out, resume=resume, on_progress=on_progress)
    network, report = _fit(trainee, data, settings, how, saving, as_module=build)
    return network.prepared(data.preparation), report


@dataclass(frozen=True, slots=True, kw_only=True)
class _Saving:
    out: Path | None
    resume: bool
    on_progress: Progress

    @property
    def folder(self) -> Path | None:
        return None if self.out is None else self.out / CHECKPOINTS


class _Yielding(Trainee, Protocol[R_co]):
    def result(self) -> R_co: ...


def _fit(
    trainee: _Yielding[R],
    data: ImageData | EventData,
    settings: TrainSettings,
    how: dict[str, Any],
    saving: _Saving,
    *,
    as_module: Callable[[Any], nn.Module],
) -> tuple[R, TrainReport]:
    began = time.monotonic()
    retain_freed_memory()
    train = _training_batches(data, settings)
    identity = {**how, "data": data.fingerprint}
    module = Fitting(trainee, settings, steps=settings.epochs * len(train), identity=identity)
    folder = saving.folder
    checkpoint = checkpoints.newest(folder) if folder is not None and saving.resume else None
    if checkpoint is not None:
        checkpoints.require_same(checkpoint, identity=identity, state=module.state_dict())
    with _quiet(), nullcontext() if folder is None else _made(folder):
        trainer = trainer_of(settings, folder, on_progress=saving.on_progress)
        shares = [Share(batches, trainer) for batches in (train, _evaluation_batches(data, data.validation))]
        _run(trainer, module, shares, checkpoint)
        if folder is not None and trainer.is_global_zero:
            checkpoints.retain_newest(folder)
    epochs = _settled(trainee, data, train, (module, trainer), saving.on_progress)
    trained = trainee.result()
    test = _accuracy(as_module(trained), data, data.test, device=trainer.strategy.root_device)
    report = TrainReport(
        epochs=epochs,
        accuracy_validation=epochs[-1].accuracy_validation,
        accuracy_test=test,
        seconds=time.monotonic() - began,
    )
    return trained, report


def _settled(
    trainee: Trainee, data: ImageData | EventData, train: Batches, fitted: tuple[Fitting, Trainer], tell: Progress
) -> tuple[Epoch, ...]:
    """The epochs; where too few updates made batch norm's statistics, they are made again and the last is read anew."""
    module, trainer = fitted
    *before, last = module.epochs
    if not unsettled(trainee.latent.source, trainee.latent.to_source(), updates=module.steps):
        return module.epochs
    train.set_epoch(len(module.epochs))
    device = trainer.strategy.root_device
    estimate_again(trainee, train, device=device)
    again = replace(last, **measured(trainee, _evaluation_batches(data, data.validation), device=device))
    if trainer.is_global_zero:
        note = (
            f"batch norm's statistics estimated again over the training data, {module.steps} updates are too few for "
            f"running ones: validation {last.accuracy_validation:.2%} → {again.accuracy_validation:.2%}"
        )
        tell("epochs", 0, 0, note=note)
    return (*before, again)


def _rows(data: ImageData | EventData, settings: TrainSettings) -> int:
    """Samples of a batch on each device."""
    return min(settings.batch_size, len(data.train)) // settings.devices


def _require_fit(source: Source, data: ImageData | EventData) -> None:
    shape = (data.preparation.channels, *(data.preparation.size or data.size))
    if tuple(source.input_shape) != shape:
        raise BadModel(f"the network takes inputs of {source.input_shape}, data '{data.name}' gives {shape}: set size")
    if len(source.output_shape) != 1 or source.output_shape[0] < data.classes:
        raise BadModel(
            f"the network's output has shape {source.output_shape}, data '{data.name}' has {data.classes} "
            "classes: the output must be one logit per class"
        )


def _digest(source: Source) -> str:
    return hashlib.blake2b(repr(source.nodes).encode(), digest_size=8).hexdigest()


def _training_batches(data: ImageData | EventData, settings: TrainSettings) -> Batches:
    shift = max(1, min(data.size) // 8)  # the usual 4 pixels for images of 32
    if isinstance(data, EventData):
        if settings.autoaugment or settings.cutout:
            raise BadSetting("training: autoaugment and cutout are for images: leave them out for event data")
        augmentation = event_augmentation(
            shift=shift if settings.augment else 0,
            mirror=settings.mirror,
            polarity=settings.polarity_flip,
            drop=settings.event_drop,
        )
    else:
        steps: list[Augment] = [AutoAugment()] if settings.autoaugment else []
        steps += [RandomCrop(padding=shift), RandomFlip()] if settings.augment else []
        steps += [Cutout(size=settings.cutout)] if settings.cutout else []
        augmentation = Augmentation(steps=tuple(steps)) if steps else None
    return Batches(
        data.train,
        # a smaller last batch would weigh more than the others, and one row alone breaks batch norm
        batch_size=min(settings.batch_size, len(data.train)),
        preparation=data.preparation,
        shuffle=True,
        seed=settings.seed,
        augmentation=augmentation,
        drop_last=True,
    )


def _evaluation_batches(data: ImageData | EventData, split: Labelled) -> Batches:
    return Batches(split, batch_size=EVALUATION_BATCH, preparation=data.preparation)


def _run(trainer: Trainer, module: Fitting, shares: list[Share], checkpoint: Path | None) -> None:
    train, validation = shares
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT)
    try:
        trainer.fit(module, train, validation, ckpt_path=checkpoint, weights_only=True)
    except SystemExit:
        raise KeyboardInterrupt from None  # Lightning's own way to end a run that was interrupted
    finally:
        if main and handler is not None:
            signal.signal(signal.SIGINT, handler)  # Lightning leaves it ignored
    if trainer.interrupted:
        raise KeyboardInterrupt


def _accuracy(network: nn.Module, data: ImageData | EventData, split: Labelled, *, device: torch.device) -> float:
    network = network.to(device).eval()
    right = 0
    with torch.no_grad():
        for x, y in _evaluation_batches(data, split):
            right += int((network(x.to(device)).argmax(1).cpu() == y).sum())
    return right / len(split)


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """The folder of checkpoints; it goes again where the training fails before the first one."""
    with ExitStack() as stack:
        with refusals(folder):
            stack.enter_context(made_folder(folder))
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning's hints and advertising off the terminal."""
    names = ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
