"""From what a person names (a model, weights, data, a run) to a captured source and its data."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from spikewright import models
from spikewright.ann.source import Source
from spikewright.data import Batches, EventData, EventSplit, ImageData, Split, load, load_events
from spikewright.data.events.preparation import EventPreparation
from spikewright.data.events.recording_settings import AS_THEY_ARE
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadModel, BadSetting
from spikewright.interchange import run_folder as folder
from spikewright.interchange.placing import has_file
from spikewright.snn.plan import Plan

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSettings:
    """How images are prepared; None takes what the data set or the run says."""

    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    size: tuple[int, int] | None = None
    seed: int = 0
    label: str | None = None  # the column that holds the labels

    def __post_init__(self) -> None:
        for name, values in (("mean", self.mean), ("std", self.std)):
            if values is not None and not all(isfinite(value) for value in values):
                raise BadSetting(f"--{name} is {values}: every value must be finite")
        if self.std is not None and min(self.std) <= 0:
            raise BadSetting(f"--std is {self.std}: every value must be above 0")
        if self.mean is not None and self.std is not None and len(self.mean) != len(self.std):
            raise BadSetting(f"--mean has {len(self.mean)} values and --std {len(self.std)}: give one per channel")

    @property
    def given(self) -> bool:
        """Whether anything is asked for."""
        return self.mean is not None or self.std is not None or self.size is not None

    def require_known(self, run: Path, preparation: object | None) -> None:
        """Refuse a run of which nobody says how its images were prepared: another mean gives other figures.

        Raises:
            BadSetting: the run holds no preparation, and mean and std are not both given.
        """
        if preparation is None and (self.mean is None or self.std is None):
            raise BadSetting(
                f"run {run} does not say how its images were prepared: give --mean and --std, as it was trained with"
            )

    def require_channels(self, channels: int) -> None:
        """Refuse a mean or std of another number of channels than the network takes.

        Raises:
            BadSetting: it is one.
        """
        for name, values in (("mean", self.mean), ("std", self.std)):
            if values is not None and len(values) != channels:
                raise BadSetting(f"--{name} has {len(values)} values, the network takes {channels} channels: one each")

    def load(self, name: str) -> ImageData:
        """The data set of that name, folder or hub id."""
        return load(name, mean=self.mean, std=self.std, size=self.size, seed=self.seed, label=self.label)

    def of_run(self, about: Mapping[str, Any], data: str | None) -> ImageData:
        """The data set that is asked for, else that of the run, whose label column is then that of the run too."""
        same = data is None or data == about.get("data")
        label = about.get("label") if self.label is None and same else self.label
        return replace(self, label=label).load(str(data or about["data"]))


def model_of(
    name: str, *, weights: Path | None = None, seed: int = 0, on_progress: Progress = silent
) -> Callable[[ImageData | EventData], nn.Module]:
    """What builds a model for some data, by its name or `package.module:factory`; its weights are loaded into it.

    What needs no data is done, or refused, at once. Where the file's layout is not a plain state dict's, that is told.

    Raises:
        BadModel, BadFile: as `models.require_known`, `require_weights`, `load_factory` and `load_weights` say.
    """
    if ":" in name:
        own = models.load_factory(name, seed=seed)
        if weights is not None:
            _fill(own, models.read_weights(weights), on_progress)
        return lambda data: own.to("cpu")  # noqa: ARG005
    models.require_known(name)
    found = None if weights is None else models.read_weights(weights)

    def build(data: ImageData | EventData) -> nn.Module:
        preparation = data.preparation
        size = preparation.size or data.size
        model = models.build(name, channels=preparation.channels, size=size, classes=data.classes, seed=seed)
        if found is not None:
            _fill(model, found, on_progress)
        return model.to("cpu")

    return build


def _fill(model: nn.Module, found: models.Weights, on_progress: Progress) -> None:
    note = models.fill(model, found)
    if note:
        on_progress("weights", 0, 0, note=note)


def built(name: str, data: ImageData | EventData, *, weights: Path | None = None, seed: int = 0) -> nn.Module:
    """The model of that name for that data; as `model_of`."""
    return model_of(name, weights=weights, seed=seed)(data)


def captured(model: nn.Module, data: ImageData | EventData) -> Source:
    """Capture a model on two of the data's images.

    Raises:
        UnsupportedModule: parts of it cannot become spikes; all of them are listed.
    """
    from spikewright.ann.capture.capture import capture  # noqa: PLC0415 - brings what torch exports graphs by

    preparation = data.preparation
    example = preparation(torch.from_numpy(data.train.inputs[:2].copy()))
    if isinstance(preparation, EventPreparation):
        return capture(model, example[:, 0])  # one frame is what a step of the network takes
    return capture(model, example, preparation=preparation)


def left_out(model: nn.Module) -> str | None:
    """What a model does in training that its captured graph does not: its dropout layers, in words."""
    dropped = [name for name, part in model.named_modules() if isinstance(part, _DropoutNd) and part.p > 0]
    return f"dropout ({', '.join(dropped)})" if dropped else None


def of_run(run: Path, *, data: str | None, images: ImageSettings) -> tuple[Source, ImageData | None, dict[str, Any]]:
    """A run's source, the data it goes with (None if neither the run nor the caller names any), and what is known.

    The source's own input preparation is used unless `images` asks for another.
    """
    source, about = folder.load_source(run)
    name = data or about.get("data")
    if not name:
        return source, None, about
    _require_images(source)
    images.require_known(run, source.preparation)
    images.require_channels(source.input_shape[0])
    loaded = images.of_run(about, data)
    if images.given:
        source = source.with_preparation(loaded.preparation)
    require_fit(source, loaded)
    return source, replace(loaded, preparation=source.preparation or loaded.preparation), about


def _require_images(source: Source) -> None:
    """Refuse a network that takes more than images, or others.

    Raises:
        BadModel: it has several inputs, or takes ids.
    """
    if source.input.ids is not None:
        raise BadModel(
            "the network takes ids, and data sets here hold images: in Python, sw.verify and sw.evaluate take them"
        )


def spiking_data(
    run: Path,
    plan: Plan,
    about: dict[str, Any],
    *,
    data: str | None = None,
    images: ImageSettings,
    on_progress: Progress = silent,
) -> ImageData | EventData:
    """The data that a directly trained run goes with, prepared as it was trained; what recordings leave open is said.

    Raises:
        BadSetting: neither the run nor the caller names any, or says how images are prepared.
    """
    name = data or about.get("data")
    if not name:
        raise BadSetting("the run does not say what data it was made with: give --data")
    found = plan.input.preparation
    if isinstance(found, EventPreparation):
        how: dict[str, Any] = {"timesteps": found.timesteps, "by": found.by, "size": found.size, "binary": found.binary}
        how |= asdict(found.recording or AS_THEY_ARE)
        return load_events(str(name), seed=images.seed, **how, on_progress=on_progress)
    images.require_known(run, found)
    loaded = images.of_run(about, data)
    return loaded if images.given or found is None else replace(loaded, preparation=found)


def is_spiking_run(run: Path) -> bool:
    """Whether a run holds a spiking network without a source: it was trained directly."""
    return has_file(run, "plan.json") and not has_file(run, "source.json")


def require_fit(source: Source, data: ImageData) -> None:
    """Refuse data whose prepared images are not what the network takes.

    Raises:
        BadModel: the shapes or the number of classes differ.
    """
    preparation = source.preparation or data.preparation
    shape = (preparation.channels, *(preparation.size or data.size))
    if tuple(source.input_shape) != shape:
        raise BadModel(
            f"the network takes inputs of shape {tuple(source.input_shape)}, data {data.name!r} gives {shape}: "
            "give --size, or data of that shape"
        )
    if len(source.outputs) > 1:
        return  # which of them tells classes is for who reads it
    if len(source.output_shape) != 1 or source.output_shape[0] < data.classes:
        raise BadModel(
            f"the network's output has shape {tuple(source.output_shape)}, data {data.name!r} has {data.classes} "
            "classes: the output must hold one logit per class"
        )


def digest(source: Source) -> str:
    """A short text that tells networks apart: their structure and every number in them."""
    found = hashlib.blake2b(repr(source.nodes).encode(), digest_size=8)
    for name in sorted(source.arrays):
        found.update(name.encode())
        found.update(source.arrays[name].detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def require_split(name: str) -> None:
    """Refuse a split that no data has.

    Raises:
        BadSetting: it is none.
    """
    if name not in SPLITS:
        raise BadSetting(f"no split named {name!r}: choose train, validation or test")


def split_of(data: ImageData | EventData, name: str) -> Split | EventSplit:
    """A split by its name."""
    require_split(name)
    return getattr(data, name)


def inputs(
    split: Split | EventSplit, data: ImageData | EventData, *, limit: int, batch_size: int = 64, seed: int | None = None
) -> list[Tensor]:
    """Prepared input batches: the first `limit` images, or `limit` drawn by `seed`."""
    shuffled = seed is not None
    batches = Batches(split, batch_size=batch_size, preparation=data.preparation, shuffle=shuffled, seed=seed or 0)
    found, left = [], limit
    for x, _ in batches:
        if left <= 0:
            break
        found.append(x[:left])
        left -= len(x)
    return found


def labelled(
    split: Split | EventSplit, data: ImageData | EventData, *, limit: int | None = None, batch_size: int = 50
) -> list[tuple[Tensor, Tensor]]:
    """Prepared inputs and labels of the first `limit` images, in batches."""
    batches = Batches(split, batch_size=batch_size, preparation=data.preparation)
    found, left = [], len(split) if limit is None else limit
    for x, labels in batches:
        if left <= 0:
            break
        found.append((x[:left], labels[:left]))
        left -= len(x)
    return found
