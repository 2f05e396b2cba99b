"""From what a person names (a model, weights, data, a run) to a captured source and its data."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from spikewright import models
from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.data import Batches, EventData, EventSplit, ImageData, Split, load, load_events
from spikewright.data.events.preparation import EventPreparation
from spikewright.errors import BadModel, BadSetting
from spikewright.interchange import run_folder as folder
from spikewright.snn.plan import Plan

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSettings:
    """How images are prepared; None takes what the data set or the run says."""

    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    size: tuple[int, int] | None = None
    seed: int = 0

    @property
    def given(self) -> bool:
        """Whether anything is asked for."""
        return self.mean is not None or self.std is not None or self.size is not None

    def load(self, name: str) -> ImageData:
        """The data set of that name, folder or hub id."""
        return load(name, mean=self.mean, std=self.std, size=self.size, seed=self.seed)


def model_of(name: str, *, weights: Path | None = None, seed: int = 0) -> Callable[[ImageData | EventData], nn.Module]:
    """What builds a model for some data, by its name or `package.module:factory`; its weights are loaded into it.

    What needs no data is done, or refused, at once.

    Raises:
        BadModel, BadFile: as `models.require_known`, `require_weights`, `load_factory` and `load_weights` say.
    """
    if ":" in name:
        own = models.load_factory(name, seed=seed)
        if weights is not None:
            models.load_weights(own, weights)
        return lambda data: own.to("cpu")  # noqa: ARG005
    models.require_known(name)
    if weights is not None:
        models.require_weights(weights)

    def build(data: ImageData | EventData) -> nn.Module:
        preparation = data.preparation
        size = preparation.size or data.size
        model = models.build(name, channels=preparation.channels, size=size, classes=data.classes, seed=seed)
        if weights is not None:
            models.load_weights(model, weights)
        return model.to("cpu")

    return build


def built(name: str, data: ImageData | EventData, *, weights: Path | None = None, seed: int = 0) -> nn.Module:
    """The model of that name for that data; as `model_of`."""
    return model_of(name, weights=weights, seed=seed)(data)


def captured(model: nn.Module, data: ImageData | EventData) -> Source:
    """Capture a model on two of the data's images.

    Raises:
        UnsupportedModule: parts of it cannot become spikes; all of them are listed.
    """
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
    loaded = images.load(str(name))
    if images.given:
        source = source.with_preparation(loaded.preparation)
    require_fit(source, loaded)
    return source, replace(loaded, preparation=source.preparation or loaded.preparation), about


def spiking_data(
    plan: Plan, about: dict[str, Any], *, data: str | None = None, images: ImageSettings
) -> ImageData | EventData:
    """The data that a directly trained run goes with, prepared as it was trained.

    Raises:
        BadSetting: neither the run nor the caller names any.
    """
    name = data or about.get("data")
    if not name:
        raise BadSetting("the run does not say what data it was made with: give --data")
    found = plan.input.preparation
    if isinstance(found, EventPreparation):
        how: dict[str, Any] = {"timesteps": found.timesteps, "by": found.by, "size": found.size, "binary": found.binary}
        return load_events(str(name), seed=images.seed, **how)
    loaded = images.load(str(name))
    return loaded if images.given or found is None else replace(loaded, preparation=found)


def is_spiking_run(run: Path) -> bool:
    """Whether a run holds a spiking network without a source: it was trained directly."""
    return (run / "plan.json").is_file() and not (run / "source.json").is_file()


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
