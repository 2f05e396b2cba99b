"""One training from names to a run folder: data, network, levels, fit, save.

    TrainRequest → source.json, source.safetensors, checkpoints/

Knows nothing about the command line.
"""

import contextlib
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from lightning.pytorch.utilities import rank_zero_only

from spikewright.ann.ops import Activating
from spikewright.ann.ops.activations import Activation
from spikewright.ann.source import Source
from spikewright.app.runs import account, acquire, made_by
from spikewright.app.runs.acquire import ImageSettings
from spikewright.app.runs.arithmetic import settle_arithmetic
from spikewright.data import Batches, EventData, ImageData, load_events
from spikewright.data.events.preparation import EventPreparation, Windows
from spikewright.data.events.recording_settings import AS_THEY_ARE, RecordingSettings
from spikewright.data.files import refusals
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadModel, BadSetting
from spikewright.interchange import run_folder as folder
from spikewright.interchange.claim import LOCK, claimed
from spikewright.interchange.placing import foreign, present
from spikewright.snn.blueprint import Blueprint
from spikewright.training import checkpoints
from spikewright.training.ann.levels import MOST_LEVELS, initial_thresholds, require_levels, with_levels
from spikewright.training.fit import CHECKPOINTS, fit, fit_spiking
from spikewright.training.settings import TrainReport, TrainSettings
from spikewright.training.snn.settings import SpikingTraining

SCRATCH_RATE, FINE_TUNE_RATE = 0.1, 0.02  # learning rates for random and for trained weights
THRESHOLD_BATCH, THRESHOLD_BATCHES = 128, 4  # training images that thresholds are taken from

INITIAL_TIMESTEPS = 4  # what learned timesteps start from
INITIAL_PERCENTILE = 99.0  # of the activations, for their α: few steps want it lower than many levels do


AUGMENTED = ("cifar10",)  # named data sets whose images may be shifted and mirrored


def usual_learning_rate(*, trained: bool) -> float:
    """The rate to take where none is asked for: for weights that are random, or trained already."""
    return FINE_TUNE_RATE if trained else SCRATCH_RATE


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """What to train, how, and where to put it.

    Exactly one of `model` (a name or package.module:factory) and `start` (the folder of a trained run) is
    given. `data` is a name, folder or hub id; None takes that of `start`. `weights` is a file for `model`.
    `levels` None leaves the activations as they are. Learned timesteps (`settings.timesteps`) start from
    `initial_timesteps`; None takes the levels of `start`, or `INITIAL_TIMESTEPS` where it has none.
    `slip` is the share of the plain clip in the rounding to `levels` (SlipReLU).
    `images` overrides the data's own preparation. `augment` None augments for cifar10, and where the settings
    say so. `spiking` trains a spiking network with the model's topology, in place of the model itself.
    `frames_by` says how recordings of events are cut into frames, `binary` makes their counts 0 and 1, `recording` what
    their files do not say (None: nothing).
    `overwrite` replaces a run or an unfinished training of something else, and all that was found on it.

    Raises:
        BadSetting: both or none of model and start, no data, weights without a model, or settings that contradict
            each other.
    """

    out: Path
    model: str | None = None
    data: str | None = None
    weights: Path | None = None
    start: Path | None = None
    levels: int | None = None
    slip: float = 0.0
    initial_timesteps: int | None = None
    images: ImageSettings = field(default_factory=ImageSettings)
    augment: bool | None = None
    resume: bool = False
    spiking: SpikingTraining | None = None
    frames_by: Windows = "time"
    binary: bool = False
    recording: RecordingSettings | None = None
    overwrite: bool = False
    settings: TrainSettings = field(default_factory=TrainSettings)

    def __post_init__(self) -> None:
        if (self.model is None) == (self.start is None):
            raise BadSetting("train: give either --model (a name or package.module:factory) or --from (a trained run)")
        if self.model is not None and self.data is None:
            raise BadSetting("train: give --data: digits, mnist, fashion_mnist, cifar10, a folder or a hub id")
        if self.weights is not None and self.model is None:
            raise BadSetting("train: --weights needs --model; --from brings its own weights")
        if self.start is not None and self.start.resolve() == self.out.resolve():
            raise BadSetting(f"--from and --out are the same folder {self.out}: choose another --out")
        if self.recording is not None and (self.spiking is None or self.spiking.network.encoding != "frames"):
            raise BadSetting(
                "train: --time-unit, --sensor, --stray and --polarity are for recordings of events: leave them out, or "
                "give recordings as --data, with --timesteps"
            )
        if self.spiking is not None:
            self._require_of_spikes(self.spiking)
        self._require_of_levels()

    def _require_of_spikes(self, spiking: SpikingTraining) -> None:
        settings, encoding = self.settings, spiking.network.encoding
        if self.levels is not None:
            raise BadSetting("train: --levels is for networks that will be converted: a spiking network has none")
        if settings.timesteps is not None:
            raise BadSetting("train: --learn-timesteps is for networks that will be converted: give --timesteps alone")
        if settings.sparsity:
            raise BadSetting(
                "train: --sparsity prices the bits of levels, which a spiking network has none of: leave it out"
            )
        if settings.label_smoothing and spiking.loss == "count_mse":
            raise BadSetting(
                "train: --label-smoothing is for cross-entropies, and loss 'count_mse' is none: leave it out"
            )
        if settings.class_weights and spiking.loss == "count_mse":
            raise BadSetting(
                "train: --class-weights is for cross-entropies, and loss 'count_mse' is none: leave it out"
            )
        if encoding in ("frames", "rate") and (self.images.mean is not None or self.images.std is not None):
            raise BadSetting(
                "train: frames of events have no --mean and --std: leave them out"
                if encoding == "frames"
                else "train: rate coding takes pixels from 0 to 1 as they are: leave out --mean and --std"
            )

    def _require_of_levels(self) -> None:
        learning, initial = self.settings.timesteps is not None, self.initial_timesteps
        if self.slip and self.levels is None:
            raise BadSetting("train: --slip mixes a plain clip into the rounding: add --levels")
        if learning and self.levels is not None:
            raise BadSetting("train: --levels fixes what --learn-timesteps learns: leave out one of them")
        if initial is not None and not learning:
            raise BadSetting("train: --initial-timesteps is for learned timesteps: add --learn-timesteps")
        if initial is not None and not 1 <= initial <= MOST_LEVELS:
            raise BadSetting(f"train: --initial-timesteps is {initial}: it must be from 1 to {MOST_LEVELS}")
        if self.levels is not None:
            require_levels(self.levels)
            _ = Activation(levels=self.levels, slip=self.slip)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """The network, how its training went, and what the run folder says about it."""

    network: Source | Blueprint
    report: TrainReport
    about: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """What the run folder says, as plain data."""
        return self.about


def run(request: TrainRequest, *, on_progress: Progress | None = None) -> TrainResult:
    """Train and save. A spiking network is saved as `convert` saves one: it has no source that it would equal.

    Raises:
        SpikewrightError: what `fit`, `data.lookup.load`, `models.build`, `load_weights`, `capture` or `load_source`
            refuse, and an `out` that holds something already where this is not a resumption.
    """
    on_progress = silent if on_progress is None else on_progress
    settle_arithmetic()
    _require_free(request)
    source, data, about = _beginning(request, on_progress)
    settings = replace(request.settings, augment=_augment(request, data))
    more: dict[str, Any] = {
        "levels": request.levels,
        "slip": request.slip,
        "initial_timesteps": request.initial_timesteps,
    }
    spiking = None if request.spiking is None else asdict(request.spiking)
    known = data.preparation.recording if isinstance(data.preparation, EventPreparation) else None
    more |= {} if known is None else {"recording": asdict(known)}
    asked = made_by.plain(account.asked(source, data, settings, spiking=spiking, **more))
    with contextlib.nullcontext() if _rank() else claimed(request.out):
        resume = True if _rank() else _goes_on(request, asked)
        entries: dict[str, Any] = {"out": request.out, "resume": resume, "on_progress": on_progress}
        return _trained(request, _Beginning(source, data, {**about, made_by.KEY: asked}), settings, entries)


class _Beginning(NamedTuple):
    """The network to start from, the data prepared as it needs, and where it came from."""

    source: Source
    data: ImageData | EventData
    about: dict[str, Any]


def _trained(request: TrainRequest, start: _Beginning, settings: TrainSettings, entries: dict[str, Any]) -> TrainResult:
    """Train and save, in a folder that is this command's alone."""
    source, data, about = start
    discard = made_by.FOUND if request.overwrite else ()
    if request.spiking is not None:
        network, report = fit_spiking(source, data, settings, request.spiking, **entries)
        _only_first()
        about = {
            **about,
            **account.of_training(data, settings, report),
            **account.of_spiking(network, request.spiking),
        }
        folder.save_run(request.out, blueprint=network, about=about, discard=discard)
        return TrainResult(network=network, report=report, about=about)
    assert isinstance(data, ImageData)  # recordings are read for spiking networks alone
    if request.levels is not None or settings.timesteps is not None:
        source = _levelled(source, data, request)
    trained, report = fit(source, data, settings, **entries)
    _only_first()
    about = {
        **about,
        "slip": request.slip,
        **account.of_training(data, settings, report),
        **account.of_levels(trained, settings),
    }
    folder.save_run(request.out, source=trained, about=about, discard=discard)
    return TrainResult(network=trained, report=report, about=about)


def _rank() -> int:
    """Which of several processes this is, each with a device; the first one has the folder."""
    return int(getattr(rank_zero_only, "rank", 0) or 0)


def _only_first() -> None:
    if _rank():
        raise SystemExit(0)  # one of several processes, each with a device: the first one saves and reports


def _require_free(request: TrainRequest) -> None:
    out = request.out
    if out.exists() and not out.is_dir():
        raise BadSetting(f"--out {out} is a file: give a folder")
    with refusals(out):
        found = foreign(out, CHECKPOINTS, LOCK)
    if found and not request.resume and not present(out):
        raise BadSetting(f"--out {out} is not empty and holds no training ({found[0]}): choose another folder")


def _goes_on(request: TrainRequest, asked: dict[str, Any]) -> bool:
    """Whether the training goes on from checkpoints in `out`, which is cleared of others.

    Raises:
        BadSetting: it holds another run, which was not to be replaced.
    """
    _require_free(request)
    under_way = checkpoints.newest(request.out / CHECKPOINTS) is not None
    if under_way and (request.resume or not (present(request.out) or request.overwrite)):
        return True  # which they are of is checked when they are read
    made_by.require_same(request.out, asked, overwrite=request.overwrite)
    if under_way:
        checkpoints.remove_all(request.out / CHECKPOINTS)
    return False


def _beginning(request: TrainRequest, on_progress: Progress) -> tuple[Source, ImageData | EventData, dict[str, Any]]:
    """The network to start from, the data prepared as it needs, and where it came from."""
    if request.start is None:
        seed = request.settings.seed
        build = acquire.model_of(str(request.model), weights=request.weights, seed=seed, on_progress=on_progress)
        data = _encoded(request, _data(request, str(request.data), on_progress))
        model = build(data)
        about = {"model": request.model, "weights": _text(request.weights), "left_out": acquire.left_out(model)}
        return acquire.captured(model, data), data, about
    source, about = folder.load_source(request.start)
    name = request.data or about.get("data")
    if not name:
        raise BadSetting(f"train: run {request.start} does not say what data it was trained on: give --data")
    if request.levels is not None or request.settings.timesteps is not None:
        _require_activations(source, request)  # before any data is loaded
    if request.spiking is None:
        request.images.require_known(request.start, source.preparation)
        request.images.require_channels(source.input_shape[0])
    data = _data(request, str(name), on_progress)
    own = source.preparation is not None and not request.images.given
    if own and isinstance(data, ImageData):
        data = replace(data, preparation=source.preparation)
    return source, _encoded(request, data), {"model": about.get("model"), "from": str(request.start)}


def _augment(request: TrainRequest, data: ImageData | EventData) -> bool:
    return (request.settings.augment or data.name in AUGMENTED) if request.augment is None else request.augment


def _encoded(request: TrainRequest, data: ImageData | EventData) -> ImageData | EventData:
    """The data as its encoding needs it: rate coding takes pixels as probabilities, 0 to 1."""
    if request.spiking is None or request.spiking.network.encoding != "rate" or isinstance(data, EventData):
        return data
    plain = (0.0,) * data.preparation.channels, (1.0,) * data.preparation.channels
    return replace(data, preparation=replace(data.preparation, mean=plain[0], std=plain[1]))


def _data(request: TrainRequest, name: str, on_progress: Progress) -> ImageData | EventData:
    if request.spiking is not None and request.spiking.network.encoding == "frames":
        return load_events(
            name, timesteps=request.spiking.network.timesteps, by=request.frames_by, size=request.images.size,
            binary=request.binary, **asdict(request.recording or AS_THEY_ARE), on_progress=on_progress,
        )  # fmt: skip
    return request.images.load(name)


def _levelled(source: Source, data: ImageData, request: TrainRequest) -> Source:
    """Levels in place of ReLU; activations that have a threshold already keep it."""
    settings = request.settings
    _require_activations(source, request)
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
        trained = source.array(node, "threshold")
        if isinstance(node.op, Activating) and trained is not None:
            thresholds[node.name] = trained
    return with_levels(source, _levels(source, request), thresholds, slip=request.slip)


def _require_activations(source: Source, request: TrainRequest) -> None:
    if not source.activations:
        flag = "--levels" if request.settings.timesteps is None else "--learn-timesteps"
        raise BadModel(f"the network has no ReLU to give levels to: leave out {flag}")


def _levels(source: Source, request: TrainRequest) -> int | dict[str, int]:
    """Levels of each activation: as asked for, or what learned timesteps start from."""
    asked = request.levels if request.levels is not None else request.initial_timesteps
    if asked is not None:
        return asked
    found = {node.name: node.op.levels for node in source.activations if isinstance(node.op, Activating)}
    return {name: levels or INITIAL_TIMESTEPS for name, levels in found.items()}


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
