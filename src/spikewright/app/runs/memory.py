"""What a model would occupy as a directly trained spiking network of few bits, without training it."""

from dataclasses import dataclass, field, replace
from typing import Any

import torch

from spikewright import models
from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.app.runs import acquire
from spikewright.app.runs.acquire import ImageSettings
from spikewright.data.progress import Progress
from spikewright.errors import BadSetting
from spikewright.measure.cost.footprint import FULL_PRECISION, Footprint, FootprintSettings, footprint
from spikewright.training.snn.graph import spiking_source

CHANNELS, SIZE, CLASSES = 3, (32, 32), 10  # of a model of the library, where nothing is said: CIFAR-10, as in Table 2


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSettings:
    """What a network takes and gives, where no data say it; None is not given.

    Attributes:
        shape: of one input, for a network that does not take images.
        channels: of images.
        size: of images, height and width.
        classes: how many the network tells apart.
    """

    shape: tuple[int, ...] | None = None
    channels: int | None = None
    size: tuple[int, int] | None = None
    classes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRequest:
    """Whose footprint to count.

    Attributes:
        model: a name of the library, or package.module:factory.
        data: a data set whose images and classes the network is for; inputs may give another size.
        inputs: what the network is for where there are no data.
        settings: the bits and the batch.
        seed: of the weights, which count only by their number.

    Raises:
        BadSetting: inputs that are said twice, or not at all for one's own network, or that no network takes.
    """

    model: str
    data: str | None = None
    inputs: InputSettings = field(default_factory=InputSettings)
    settings: FootprintSettings = field(default_factory=FootprintSettings)
    seed: int = 0

    def __post_init__(self) -> None:
        inputs = self.inputs
        if inputs.shape is not None and (self.data, inputs.channels, inputs.size) != (None, None, None):
            raise BadSetting("memory: --shape says all of an input: leave out --data, --channels and --size")
        if self.data is not None:
            if (inputs.channels, inputs.classes) != (None, None):
                raise BadSetting("memory: --data says the channels and classes: leave out --channels and --classes")
            return
        if self.own and inputs.classes is not None:
            raise BadSetting(f"memory: {self.model!r} has classes of its own: leave out --classes")
        if self.own and inputs.shape is None and (inputs.channels is None or inputs.size is None):
            raise BadSetting(
                f"memory: {self.model!r} does not say what it takes: give --shape (one input's, as 3x32x32), or --data"
            )
        if min(self.shape) < 1:
            raise BadSetting(f"memory: an input of shape {self.shape} holds nothing: give --channels of 1 or more")
        if not self.own and len(self.shape) != 3:
            raise BadSetting(
                f"memory: --shape {self.shape} must be channels x height x width for a model of the library"
            )

    @property
    def own(self) -> bool:
        """Whether the model is one's own."""
        return models.brings_its_sizes(self.model)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one input, where there are no data."""
        if self.inputs.shape is not None:
            return self.inputs.shape
        return (CHANNELS if self.inputs.channels is None else self.inputs.channels, *(self.inputs.size or SIZE))


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryResult:
    """A footprint beside that of the same network at full precision."""

    model: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    found: Footprint
    full: Footprint

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data."""
        return {
            "model": self.model,
            "input_shape": list(self.input_shape),
            "output_shape": list(self.output_shape),
            **self.found.to_json(),
            "footprint_megabytes_full_precision": self.full.footprint_megabytes,
            "footprint_megabytes_all_full_precision": self.full.footprint_megabytes_all,
        }


def run(request: MemoryRequest, *, on_progress: Progress | None = None) -> MemoryResult:  # noqa: ARG001
    """Capture a model, put neurons in the place of its activations, and count.

    Raises:
        SpikewrightError: the model or the data cannot be had, or the model cannot spike.
    """
    source = spiking_source(_source(request))
    return MemoryResult(
        model=request.model,
        input_shape=source.input_shape,
        output_shape=source.output_shape,
        found=footprint(source, request.settings),
        full=footprint(source, replace(FULL_PRECISION, batch=request.settings.batch)),
    )


def _source(request: MemoryRequest) -> Source:
    name, seed = request.model, request.seed
    if request.data is not None:
        build = acquire.model_of(name, seed=seed)
        loaded = ImageSettings(size=request.inputs.size, seed=seed).load(request.data)
        return acquire.captured(build(loaded), loaded)
    shape, classes = request.shape, request.inputs.classes
    sizes = models.Sizes(channels=shape[0], size=(shape[-2], shape[-1]) if len(shape) == 3 else (1, 1), classes=classes)
    module = models.maker(name, seed=seed)(sizes).model
    return capture(module, torch.randn(2, *shape, generator=torch.Generator().manual_seed(seed)))
