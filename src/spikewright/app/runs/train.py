"""One training from names to a run folder: data, network, levels, fit, save.

    TrainRequest → source.json, source.safetensors, checkpoints/

Knows nothing about the command line.
"""

import platform
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.utilities import rank_zero_only

from spikewright.ann.ops import Activating
from spikewright.ann.source import Source
from spikewright.app.runs import acquire
from spikewright.app.runs.arithmetic import settle_arithmetic
from spikewright.data import Batches, EventData, ImageData, load, load_events
from spikewright.data.events.preparation import Windows
from spikewright.errors import BadModel, BadSetting
from spikewright.interchange import run_folder as folder
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.neurons.leaky import Leaky
from spikewright.training.ann.levels import MOST_LEVELS, initial_thresholds, with_levels
from spikewright.training.fit import fit, fit_spiking
from spikewright.training.settings import TrainReport, TrainSettings
from spikewright.training.snn.settings import SpikingTraining
from spikewright.training.timesteps.learned import timestep_account

SCRATCH_RATE, FINE_TUNE_RATE = 0.1, 0.02  # learning rates for random and for trained weights
THRESHOLD_BATCH, THRESHOLD_BATCHES = 128, 4  # training images that thresholds are taken from

INITIAL_TIMESTEPS = 4  # what learned timesteps start from
INITIAL_PERCENTILE = 99.0  # of the activations, for their α: few steps want it lower than many levels do

AUGMENTED = ("cifar10",)  # named data sets whose images may be shifted and mirrored


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """What to train and where to put it.

    Exactly one of `model` (a name or package.module:factory) and `start` (the folder of a trained run) is
    given. `data` is a name, folder or hub id; None takes that of `start`. `weights` is a file for `model`.
    `levels` None leaves the activations as they are. Learned timesteps (`settings.timesteps`) start from
    `initial_timesteps`; None takes the levels of `start`, or `INITIAL_TIMESTEPS` where it has none.
    `slip` is the share of the plain clip in the rounding to `levels` (SlipReLU).
    `mean`, `std` and `size` override the data's own, as in `data.load`. `augment` None augments for cifar10,
    and where the settings say so. `spiking` trains a spiking network with the model's topology, in place of the
    model itself. `frames_by` says how recordings of events are cut into frames, `binary` makes their counts 0 and 1.

    Raises:
        BadSetting: both or none of model and start, no data, weights without a model, slip without levels.
    """

    out: Path
    model: str | None = None
    data: str | None = None
    weights: Path | None = None
    start: Path | None = None
    levels: int | None = None
    slip: float = 0.0
    initial_timesteps: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    size: tuple[int, int] | None = None
    augment: bool | None = None
    resume: bool = False
    spiking: SpikingTraining | None = None
    frames_by: Windows = "time"
    binary: bool = False

    def __post_init__(self) -> None:
        if (self.model is None) == (self.start is None):
            raise BadSetting("train: give either --model (a name or package.module:factory) or --from (a trained run)")
        if self.model is not None and self.data is None:
            raise BadSetting("train: give --data: digits, mnist, fashion_mnist, cifar10, a folder or a hub id")
        if self.weights is not None and self.model is None:
            raise BadSetting("train: --weights needs --model; --from brings its own weights")
        if self.slip and self.levels is None:
            raise BadSetting("train: --slip mixes a plain clip into the rounding: add --levels")
        if self.spiking is not None and self.levels is not None:
            raise BadSetting("train: --levels is for networks that will be converted: a spiking network has none")

    @property
    def learning_rate(self) -> float:
        """The rate to take where none is asked for."""
        return SCRATCH_RATE if self.weights is None and self.start is None else FINE_TUNE_RATE


def train(
    request: TrainRequest, settings: TrainSettings, *, progress: bool = False
) -> tuple[Source | Blueprint, TrainReport, dict[str, Any]]:
    """Train and save; returns the network, the report, and what the run folder says about it.

    A spiking network is saved as `convert` saves one: it has no source that it would equal.

    Raises:
        SpikewrightError: what `fit`, `data.load`, `models.build`, `load_weights`, `capture` or `load_source`
            refuse, and an `out` that holds something already where this is not a resumption.
    """
    settle_arithmetic()
    _require_together(request, settings)
    _require_free(request)
    source, data, about = _beginning(request, settings)
    settings = replace(settings, augment=_augment(request, data, settings))
    keep: dict[str, Any] = {"out": request.out, "resume": request.resume, "progress": progress}
    if request.spiking is not None:
        network, report = fit_spiking(source, data, settings, request.spiking, **keep)
        _only_first()
        about = {**about, **_account(data, settings, report), **_spiking_account(network, data, request.spiking)}
        folder.save_blueprint(request.out, network, about=about)
        return network, report, about
    assert isinstance(data, ImageData)  # recordings are read for spiking networks alone
    if request.levels is not None or settings.timesteps is not None:
        source = _levelled(source, data, request, settings)
    trained, report = fit(source, data, settings, **keep)
    _only_first()
    about = {**about, "slip": request.slip, **_account(data, settings, report), **_levels_account(trained, settings)}
    folder.save_source(request.out, trained, about=about)
    return trained, report, about


def _only_first() -> None:
    if getattr(rank_zero_only, "rank", 0):
        raise SystemExit(0)  # one of several processes, each with a device: the first one saves and reports


def _require_together(request: TrainRequest, settings: TrainSettings) -> None:
    if settings.timesteps is not None and request.spiking is not None:
        raise BadSetting("train: --learn-timesteps is for networks that will be converted: give --timesteps alone")
    if settings.sparsity and request.spiking is not None:
        raise BadSetting(
            "train: --sparsity prices the bits of levels, which a spiking network has none of: leave it out"
        )
    if settings.label_smoothing and request.spiking is not None and request.spiking.loss == "count_mse":
        raise BadSetting("train: --label-smoothing is for cross-entropies, and loss 'count_mse' is none: leave it out")
    if settings.timesteps is not None and request.levels is not None:
        raise BadSetting("train: --levels fixes what --learn-timesteps learns: leave out one of them")
    if settings.timesteps is None and request.initial_timesteps is not None:
        raise BadSetting("train: --initial-timesteps is for learned timesteps: add --learn-timesteps")
    if request.initial_timesteps is not None and not 1 <= request.initial_timesteps <= MOST_LEVELS:
        raise BadSetting(
            f"train: --initial-timesteps is {request.initial_timesteps}: it must be from 1 to {MOST_LEVELS}"
        )


def _require_free(request: TrainRequest) -> None:
    out = request.out
    if out.exists() and not out.is_dir():
        raise BadSetting(f"--out {out} is a file: give a folder")
    if not request.resume and out.is_dir() and any(out.iterdir()):
        raise BadSetting(f"--out {out} is not empty: add --resume to go on with its training, or choose another folder")
    if request.start is not None and request.start.resolve() == out.resolve():
        raise BadSetting(f"--from and --out are the same folder {out}: choose another --out")


def _beginning(request: TrainRequest, settings: TrainSettings) -> tuple[Source, ImageData | EventData, dict[str, Any]]:
    """The network to start from, the data prepared as it needs, and where it came from."""
    if request.start is None:
        data = _encoded(request, _data(request, str(request.data)))
        model = acquire.built(str(request.model), data, weights=request.weights, seed=settings.seed)
        about = {"model": request.model, "weights": _text(request.weights), "left_out": acquire.left_out(model)}
        return acquire.captured(model, data), data, about
    source, about = folder.load_source(request.start)
    name = request.data or about.get("data")
    if not name:
        raise BadSetting(f"train: run {request.start} does not say what data it was trained on: give --data")
    data = _data(request, str(name))
    kept = source.preparation is not None and request.mean is None and request.std is None and request.size is None
    if kept and isinstance(data, ImageData):
        data = replace(data, preparation=source.preparation)
    return source, _encoded(request, data), {"model": about.get("model"), "from": str(request.start)}


def _augment(request: TrainRequest, data: ImageData | EventData, settings: TrainSettings) -> bool:
    return (settings.augment or data.name in AUGMENTED) if request.augment is None else request.augment


def _encoded(request: TrainRequest, data: ImageData | EventData) -> ImageData | EventData:
    """The data as its encoding needs it: rate coding takes pixels as probabilities, 0 to 1."""
    if request.spiking is None or request.spiking.network.encoding != "rate" or isinstance(data, EventData):
        return data
    if request.mean is not None or request.std is not None:
        raise BadSetting("train: rate coding takes pixels from 0 to 1 as they are: leave out --mean and --std")
    plain = (0.0,) * data.preparation.channels, (1.0,) * data.preparation.channels
    return replace(data, preparation=replace(data.preparation, mean=plain[0], std=plain[1]))


def _data(request: TrainRequest, name: str) -> ImageData | EventData:
    if request.spiking is not None and request.spiking.network.encoding == "frames":
        if request.mean is not None or request.std is not None:
            raise BadSetting("train: frames of events have no --mean and --std: leave them out")
        steps = request.spiking.network.timesteps
        return load_events(name, timesteps=steps, by=request.frames_by, size=request.size, binary=request.binary)
    return load(name, mean=request.mean, std=request.std, size=request.size)


def _levelled(source: Source, data: ImageData, request: TrainRequest, settings: TrainSettings) -> Source:
    """Levels in place of ReLU; activations that have a threshold already keep it."""
    if not source.activations:
        flag = "--levels" if settings.timesteps is None else "--learn-timesteps"
        raise BadModel(f"the network has no ReLU to give levels to: leave out {flag}")
    batches = Batches(
        data.train,
        batch_size=min(THRESHOLD_BATCH, len(data.train)),
        preparation=data.preparation,
        shuffle=True,
        seed=settings.seed,
    )
    untrained = request.start is None and request.weights is None and ":" not in str(request.model)
    images = [x for x, _ in islice(batches, THRESHOLD_BATCHES)]
    percentile = {} if settings.timesteps is None else {"percentile": INITIAL_PERCENTILE}
    thresholds = initial_thresholds(source, images, calibrate=untrained, **percentile)
    for node in source.activations:
        held = source.array(node, "threshold")
        if isinstance(node.op, Activating) and held is not None:
            thresholds[node.name] = held
    return with_levels(source, _levels(source, request), thresholds, slip=request.slip)


def _levels(source: Source, request: TrainRequest) -> int | dict[str, int]:
    """Levels of each activation: as asked for, or what learned timesteps start from."""
    asked = request.levels if request.levels is not None else request.initial_timesteps
    if asked is not None:
        return asked
    held = {node.name: node.op.levels for node in source.activations if isinstance(node.op, Activating)}
    return {name: levels or INITIAL_TIMESTEPS for name, levels in held.items()}


def _account(data: ImageData | EventData, settings: TrainSettings, report: TrainReport) -> dict[str, Any]:
    return {
        "data": data.name,
        "data_fingerprint": data.fingerprint,
        "classes": data.classes,
        "settings": asdict(settings),
        "seed": settings.seed,
        "accuracy_validation": report.accuracy_validation,
        "accuracy_test": report.accuracy_test,
        "seconds": report.seconds,
        "epochs": [{**asdict(epoch), "dead_stages": list(epoch.dead_stages)} for epoch in report.epochs],
        "versions": {
            "spikewright": version("spikewright"),
            "torch": torch.__version__,
            "lightning": lightning.__version__,
            "python": platform.python_version(),
        },
    }


def _levels_account(source: Source, settings: TrainSettings) -> dict[str, Any]:
    levels = sorted(
        {node.op.levels for node in source.activations if isinstance(node.op, Activating) and node.op.levels}
    )
    learned = settings.timesteps
    return {
        "levels": levels[0] if len(levels) == 1 else (levels or None),
        **({} if learned is None else timestep_account(source, learned.timestep_weighting)),
    }


def _spiking_account(network: Blueprint, data: ImageData | EventData, spiking: SpikingTraining) -> dict[str, Any]:
    return {
        "kind": "spiking",
        "spiking": asdict(spiking),
        "leaks": {
            node.name: node.firing.law.leak for node in network.plan.stages if isinstance(node.firing.law, Leaky)
        },
        "preparation": asdict(data.preparation),
    }


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
