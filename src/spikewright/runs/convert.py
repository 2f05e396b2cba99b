"""Convert a run, or a model of the user's with its weights, into a run folder with a spiking network."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from spikewright import folder
from spikewright.errors import BadSetting
from spikewright.names import configure, find
from spikewright.network import SpikingNetwork, build
from spikewright.runs import acquire
from spikewright.runs.acquire import ImageSettings
from spikewright.source import Source
from spikewright.statistics import observe


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertRequest:
    """What to convert, how, and where to put it.

    Exactly one of `run` and `model` is given. `calibration` training images set the thresholds that training
    did not.
    """

    out: Path
    run: Path | None = None
    model: str | None = None
    weights: Path | None = None
    data: str | None = None
    method: str = "exact"
    settings: dict[str, Any] = field(default_factory=dict)
    calibration: int = 512
    images: ImageSettings = field(default_factory=ImageSettings)

    def __post_init__(self) -> None:
        if (self.run is None) == (self.model is None):
            raise BadSetting("convert: give either a run folder or --model (a name or package.module:factory)")
        if self.model is not None and self.data is None:
            raise BadSetting("convert: --model needs --data, whose training images set the thresholds")
        if self.model is not None and self.weights is None and ":" not in self.model:
            raise BadSetting(f"convert: model {self.model!r} has no trained weights: give --weights, or train it first")
        if self.weights is not None and self.model is None:
            raise BadSetting("convert: --weights needs --model; a run brings its own weights")
        if self.calibration < 1:
            raise BadSetting(f"convert: --calibration is {self.calibration}, but must be at least 1")


def convert(request: ConvertRequest) -> tuple[SpikingNetwork, Source, dict[str, Any]]:
    """Convert and save; returns the network, its source, and what the run folder says about it.

    Raises:
        SpikewrightError: as capture, the method and the data loader do, and where `out` holds another run.
    """
    if request.out.is_file():
        raise BadSetting(f"--out {request.out} is a file: give a folder")
    if request.run is not None and request.run.resolve() == request.out.resolve():
        raise BadSetting(f"--out is the run itself ({request.out}): choose another folder")
    if request.out.is_dir() and any(request.out.iterdir()) and not (request.out / "plan.json").is_file():
        raise BadSetting(f"--out {request.out} is not empty and holds no converted network: choose another folder")
    method = configure(find("methods", request.method), request.settings)
    source, data, about = _source(request)
    statistics, trained = None, _trained(source)
    if not trained:
        if data is None:
            raise BadSetting("convert: the source has no trained thresholds: give --data, whose images set them")
        batches = acquire.inputs(data.train, data, limit=request.calibration, seed=request.images.seed)
        statistics = observe(source, batches)
    blueprint = method(source, statistics)
    conversion = {
        "method": request.method,
        "settings": asdict(method),
        "exact": method.exact,
        "thresholds": "trained" if trained else f"least error on {request.calibration} training images",
    }
    about = {**about, "conversion": conversion}
    folder.save_source(request.out, source, about=about)
    folder.save_blueprint(request.out, blueprint, about=about)
    return build(blueprint), source, about


def _source(request: ConvertRequest) -> tuple[Source, Any, dict[str, Any]]:
    if request.run is not None:
        source, about = folder.load_source(request.run)
        if request.data is None and _trained(source):
            return source, None, about
        return acquire.of_run(request.run, data=request.data, images=request.images)
    data = request.images.load(str(request.data))
    model = acquire.built(str(request.model), data, weights=request.weights, seed=request.images.seed)
    source = acquire.captured(model, data)
    acquire.require_fit(source, data)
    about = {"model": request.model, "weights": None if request.weights is None else str(request.weights)}
    return source, data, {**about, "data": data.name, "data_fingerprint": data.fingerprint, "classes": data.classes}


def _trained(source: Source) -> bool:
    """Whether every activation has a trained threshold."""
    return all(source.array(node, "threshold") is not None for node in source.activations)
