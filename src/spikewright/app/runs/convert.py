"""Convert a run, or a model of the user's with its weights, into a run folder with a spiking network."""

import typing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from spikewright import models
from spikewright.ann.source import Source
from spikewright.app.registry import configure, find, names
from spikewright.app.runs import acquire, made_by
from spikewright.app.runs.acquire import ImageSettings
from spikewright.app.runs.arithmetic import settle_arithmetic
from spikewright.conversion.auto import Auto, Choice
from spikewright.conversion.calibrators.gradient import Gradient
from spikewright.conversion.convert import convert as run_conversion
from spikewright.conversion.methods import Method
from spikewright.conversion.points import with_points
from spikewright.conversion.post_training import quantise_trained
from spikewright.conversion.thresholds import has_trained_thresholds
from spikewright.data.files import refusals
from spikewright.data.progress import Progress, silent
from spikewright.engines.network import SpikingNetwork, build
from spikewright.errors import BadSetting, nearest
from spikewright.interchange import run_folder as folder
from spikewright.interchange.claim import LOCK, claimed
from spikewright.interchange.placing import foreign, has_file, present
from spikewright.snn.blueprint import Blueprint

AUTO = "auto"
STATE = "calibration.safetensors"  # of an interrupted calibration, in `out`


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertRequest:
    """What to convert, how, and where to put it.

    Exactly one of `run` and `model` is given. `calibration` training images set the thresholds that training
    did not, and are what calibration looks at. `calibrate` trains thresholds and initial potentials afterwards.
    `weight_bits` rounds the weights afterwards, by the way that keeps most accuracy on the validation split.
    `points` puts spike encoders in front of every product that would read numbers (`conversion/points.py`).
    `random_weights` converts a model that nobody trained, with the weights that it is made with.
    The method `auto` finds method and timesteps within `max_accuracy_drop` points on the validation split.
    `overwrite` replaces a run that was made from another source or with other settings, and all that was found on it.
    """

    out: Path
    run: Path | None = None
    model: str | None = None
    weights: Path | None = None
    data: str | None = None
    method: str = "exact"
    settings: dict[str, Any] = field(default_factory=dict)
    calibration: int = 512
    calibrate: bool = False
    calibration_epochs: int | None = None
    max_accuracy_drop: float | None = None
    weight_bits: int | None = None
    random_weights: bool = False
    points: bool = False
    images: ImageSettings = field(default_factory=ImageSettings)
    overwrite: bool = False

    def __post_init__(self) -> None:
        if (self.run is None) == (self.model is None):
            raise BadSetting(
                "convert: give either a run folder or --model (a name, package.module:factory, timm:NAME or hf:FOLDER)"
            )
        if self.model is not None and self.data is None:
            raise BadSetting("convert: --model needs --data, whose training images set the thresholds")
        trained = self.weights is not None or (self.model is not None and models.brings_weights(self.model))
        if self.model is not None and trained == self.random_weights:
            given = "--weights" if self.weights is not None else f"the weights of {self.model!r}"
            raise BadSetting(
                f"convert: --random-weights and {given} contradict each other: leave out one"
                if trained
                else f"convert: model {self.model!r} has no trained weights: give --weights, or --random-weights to "
                "convert it as it is made"
            )
        if self.random_weights and self.model is None:
            raise BadSetting("convert: --random-weights needs --model; a run brings its own weights")
        if self.weights is not None and self.model is None:
            raise BadSetting("convert: --weights needs --model; a run brings its own weights")
        if self.calibration < 1:
            raise BadSetting(f"convert: --calibration is {self.calibration}, but must be at least 1")
        if self.calibration_epochs is not None and not self.calibrate:
            raise BadSetting("convert: --calibration-epochs is for --calibrate, which trains for so many epochs")
        if self.weight_bits is not None and not 2 <= self.weight_bits <= 16:
            raise BadSetting(f"convert: --weight-bits is {self.weight_bits}, but must be in 2..16")
        if self.max_accuracy_drop is not None and self.method != AUTO:
            raise BadSetting("convert: --max-accuracy-drop is for --method auto, which searches within it")
        if self.method == AUTO and (self.settings or self.calibrate):
            raise BadSetting("convert: --method auto finds timesteps and settings itself: leave them out")
        _ = self.auto, self.gradient, self.chosen

    @property
    def chosen(self) -> Method | None:
        """The method with its settings; None where it is searched for."""
        return None if self.method == AUTO else chosen(self.method, self.settings)

    @property
    def gradient(self) -> Gradient:
        """How `calibrate` calibrates."""
        gradient = Gradient(seed=self.images.seed, checkpoint=self.out / STATE, begin_anew=self.overwrite)
        return gradient if self.calibration_epochs is None else replace(gradient, epochs=self.calibration_epochs)

    @property
    def auto(self) -> Auto:
        """What the method `auto` looks for."""
        return Auto() if self.max_accuracy_drop is None else Auto(max_accuracy_drop=self.max_accuracy_drop)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertResult:
    """The network, its source, and what the run folder says about them."""

    network: SpikingNetwork
    source: Source
    about: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """What the run folder says, as plain data."""
        return self.about


def run(request: ConvertRequest, *, on_progress: Progress | None = None) -> ConvertResult:
    """Convert and save.

    Raises:
        SpikewrightError: as capture, the method and the data loader do, and where `out` holds another run.
    """
    settle_arithmetic()
    _require_free(request)
    on_progress = silent if on_progress is None else on_progress
    on_progress("capture", 0, 1)
    source, data, about = _source(request, on_progress)
    on_progress("capture", 1, 1)
    batches = None
    if data is not None:
        batches = acquire.inputs(data.train, data, limit=request.calibration, seed=request.images.seed)
    with claimed(request.out):
        return _made(request, source, data, batches, about, on_progress)


def _made(
    request: ConvertRequest, source: Source, data: Any, batches: Any, about: dict[str, Any], on_progress: Progress
) -> ConvertResult:
    """Convert and save, in a folder that is this command's alone."""
    _require_free(request)
    asked = made_by.plain(_asked(request, source, data))
    made_by.require_same(request.out, asked, overwrite=request.overwrite)
    blueprint, conversion = _converted(request, source, data, batches, on_progress)
    if request.weight_bits is not None:
        blueprint, conversion = _rounded(request.weight_bits, blueprint, conversion, data, batches)
    about = {**about, "conversion": conversion, made_by.KEY: asked}
    discard = made_by.FOUND if request.overwrite else ()
    folder.save_run(request.out, source=source, blueprint=blueprint, about=about, discard=discard)
    with refusals(request.out):
        (request.out / STATE).unlink(missing_ok=True)
    return ConvertResult(network=build(blueprint), source=source, about=about)


def _asked(request: ConvertRequest, source: Source, data: Any) -> dict[str, Any]:
    """All that the network follows from."""
    gradient, method = request.gradient, request.chosen
    looked = {} if data is None else {"data": data.fingerprint, "calibration": request.calibration}
    return {
        "verb": "convert",
        "source": acquire.digest(source),
        "preparation": repr(source.preparation),
        "method": request.method,
        "settings": asdict(request.auto if method is None else method),  # pyright: ignore[reportArgumentType]
        "calibrate": {"epochs": gradient.epochs, "batch_size": gradient.batch_size} if request.calibrate else None,
        "weight_bits": request.weight_bits,
        **(looked and {**looked, "seed": request.images.seed}),
    }


def _converted(
    request: ConvertRequest, source: Source, data: Any, batches: Any, on_progress: Progress
) -> tuple[Blueprint, dict[str, Any]]:
    """The network before its weights are rounded, and what is said of it."""
    method = request.chosen
    if method is None:
        choice = _searched(request, source, data, batches, on_progress)
        return choice.blueprint, _searched_about(request, source, choice)
    calibrators = (request.gradient,) if request.calibrate else ()
    if batches is None and (method.needs_statistics(source) or method.calibrators or calibrators):
        raise BadSetting("convert: this looks at data: give --data, whose training images are used")
    blueprint = run_conversion(source, method, batches, calibrators=calibrators, on_progress=on_progress)
    return blueprint, _about(request, method, source)


def _rounded(
    bits: int, blueprint: Blueprint, conversion: dict[str, Any], data: Any, batches: Any
) -> tuple[Blueprint, dict[str, Any]]:
    """The network with weights of so many bits, and what is said of it."""
    if data is None or batches is None:
        raise BadSetting("convert: --weight-bits is judged on validation images: give --data")
    rounded = quantise_trained(
        blueprint, bits, calibration=batches, validation=acquire.labelled(data.validation, data, batch_size=250)
    )
    weights = {**rounded.to_json(), "line": rounded.line()}
    return rounded.blueprint, {**conversion, "exact": False, "weights": weights}


def chosen(name: str, settings: dict[str, Any]) -> Method:
    """The method of that name with its settings, which may be text.

    Raises:
        BadSetting: no such method or setting, or timesteps by layer where all layers must run alike.
    """
    if name not in names("methods"):
        raise BadSetting(f"no method named {name!r}: {nearest(name, names('methods'))} (convert: or auto)")
    cls = find("methods", name)
    steps = settings.get("timesteps")
    if isinstance(steps, tuple) and len(steps) > 1:
        allowed = typing.get_args(typing.get_type_hints(cls)["timesteps"])
        if not any(typing.get_origin(kind) is tuple for kind in allowed):
            raise BadSetting(
                f"method {name!r} runs every layer for the same time and cannot use timesteps "
                f"{','.join(map(str, steps))}: give one number, or choose qac or exact"
            )
    return configure(cls, settings)


def _require_free(request: ConvertRequest) -> None:
    if request.out.is_file():
        raise BadSetting(f"--out {request.out} is a file: give a folder")
    if request.run is not None and request.run.resolve() == request.out.resolve():
        raise BadSetting(f"--out is the run itself ({request.out}): choose another folder")
    if acquire.is_spiking_run(request.out):
        raise BadSetting(f"--out {request.out} holds a network that was trained directly: choose another folder")
    with refusals(request.out):
        found = [*foreign(request.out, STATE, LOCK), *(name for name in present(request.out) if "source" in name)]
    if found and not has_file(request.out, "plan.json"):
        raise BadSetting(f"--out {request.out} is not empty and holds no converted network: choose another folder")


def _searched(request: ConvertRequest, source: Source, data: Any, batches: Any, on_progress: Progress) -> Choice:
    if data is None or batches is None:
        raise BadSetting("convert: --method auto judges on validation images: give --data")
    return request.auto.choose(source, batches, acquire.labelled(data.validation, data), on_progress=on_progress)


def _searched_about(request: ConvertRequest, source: Source, choice: Choice) -> dict[str, Any]:
    return {
        "method": choice.chosen.method,
        "settings": dict(choice.chosen.settings),
        "exact": choice.exact,
        "thresholds": "trained" if has_trained_thresholds(source) else f"from {request.calibration} training images",
        "auto": choice.to_json(),
        "line": choice.line(),
    }


def _about(request: ConvertRequest, method: Method, source: Source) -> dict[str, Any]:
    looked = f"{request.calibration} training images"
    trained = has_trained_thresholds(source) and not method.needs_statistics(source)
    return {
        "method": request.method,
        "settings": asdict(method),  # pyright: ignore[reportArgumentType]
        "exact": method.exact and not request.calibrate,
        "thresholds": ("trained" if trained else f"from {looked}")
        + (f", calibrated on {looked}" if request.calibrate else ""),
    }


def _source(request: ConvertRequest, on_progress: Progress) -> tuple[Source, Any, dict[str, Any]]:
    if request.run is not None:
        method = request.chosen
        source, about = folder.load_source(request.run)
        source = with_points(source) if request.points else source
        if method is not None:
            method.require(source)  # before any data is loaded
        needless = method is not None and not (
            method.needs_statistics(source) or method.calibrators or request.calibrate or request.weight_bits
        )
        if request.data is None and needless:
            return source, None, about
        found, data, about = acquire.of_run(request.run, data=request.data, images=request.images)
        return (with_points(found) if request.points else found), data, about
    model, seed = str(request.model), request.images.seed
    built = acquire.model_of(model, weights=request.weights, seed=seed, on_progress=on_progress)
    data = request.images.load(str(request.data))
    source = acquire.captured(built(data), data)
    acquire.require_fit(source, data)
    source = with_points(source) if request.points else source
    if request.chosen is not None:
        request.chosen.require(source)
    about: dict[str, Any] = {
        "model": request.model,
        "weights": None if request.weights is None else str(request.weights),
    }
    if request.random_weights:
        about["random_weights"] = True
    return source, data, {**about, **data.account}
