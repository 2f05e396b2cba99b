"""What a model would occupy as a directly trained spiking network of few bits, without training it."""

from dataclasses import dataclass, replace
from typing import Any

import torch

from spikewright import models
from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.app.runs import acquire
from spikewright.app.runs.acquire import ImageSettings
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
class MemoryReport:
    """A footprint beside that of the same network at full precision."""

    model: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    found: Footprint
    full: Footprint

    def to_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "model": self.model,
            "input_shape": list(self.input_shape),
            "output_shape": list(self.output_shape),
            **self.found.to_json(),
            "footprint_megabytes_full_precision": self.full.footprint_megabytes,
            "footprint_megabytes_all_full_precision": self.full.footprint_megabytes_all,
        }


def memory(
    model: str,
    *,
    data: str | None = None,
    inputs: InputSettings,
    settings: FootprintSettings,
    seed: int = 0,
) -> MemoryReport:
    """Capture a model, put neurons in the place of its activations, and count.

    Args:
        model: a name of the library, or package.module:factory.
        data: a data set whose images and classes the network is for; inputs may give another size.
        inputs: what the network is for where there are no data.
        settings: the bits and the batch.
        seed: of the weights, which count only by their number.

    Raises:
        BadSetting: inputs that are said twice, or not at all for one's own network.
        SpikewrightError: the model or the data cannot be had, or the model cannot spike.

    """
    source = spiking_source(_source(model, data, inputs, seed))
    return MemoryReport(
        model=model,
        input_shape=source.input_shape,
        output_shape=source.output_shape,
        found=footprint(source, settings),
        full=footprint(source, replace(FULL_PRECISION, batch=settings.batch)),
    )


def _source(model: str, data: str | None, inputs: InputSettings, seed: int) -> Source:
    shape = inputs.shape
    if shape is not None and (data, inputs.channels, inputs.size) != (None, None, None):
        raise BadSetting("memory: --shape says all of an input: leave out --data, --channels and --size")
    if data is not None:
        if (inputs.channels, inputs.classes) != (None, None):
            raise BadSetting("memory: --data says the channels and classes: leave out --channels and --classes")
        loaded = ImageSettings(size=inputs.size, seed=seed).load(data)
        return acquire.captured(acquire.built(model, loaded, seed=seed), loaded)
    own = ":" in model
    if own and inputs.classes is not None:
        raise BadSetting(f"memory: {model!r} has classes of its own: leave out --classes")
    if own and shape is None and (inputs.channels is None or inputs.size is None):
        raise BadSetting(
            f"memory: {model!r} does not say what it takes: give --shape (one input's, as 3x32x32), or --data"
        )
    if shape is None:
        shape = (CHANNELS if inputs.channels is None else inputs.channels, *(inputs.size or SIZE))
    if min(shape) < 1:
        raise BadSetting(f"memory: an input of shape {shape} holds nothing: give --channels of 1 or more")
    if own:
        module = models.load_factory(model, seed=seed)
    elif len(shape) != 3:
        raise BadSetting(f"memory: --shape {shape} must be channels x height x width for a model of the library")
    else:
        classes = CLASSES if inputs.classes is None else inputs.classes
        module = models.build(model, channels=shape[0], size=(shape[1], shape[2]), classes=classes, seed=seed)
    return capture(module, torch.randn(2, *shape, generator=torch.Generator().manual_seed(seed)))
