"""The samples that figures are measured on: in memory, or prepared and noisy batch by batch, the same at every pass.

They come from uint8 images with an input preparation, or from tensors that are prepared already. The settings of an
evaluation say which, and how many.
Knows nothing about networks but their input and output shapes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.ann.ends import Batch, is_finite, real, tensors_of
from spikewright.ann.source import Source
from spikewright.data.events.preparation import EventPreparation
from spikewright.data.labelled import Labelled
from spikewright.data.preparation import InputPreparation
from spikewright.engines.names import engines
from spikewright.errors import BadData, BadSetting
from spikewright.measure.accuracy import output_of
from spikewright.measure.cost.energy import energy_table
from spikewright.measure.noise import add_noise
from spikewright.snn.blueprint import Blueprint

AnyPreparation = InputPreparation | EventPreparation
AUTO = "auto"  # float64 where it is affordable, else float32

BATCH = 250


class TestData(Protocol):
    """Anything with a test split, such as `data.ImageData`."""

    @property
    def test(self) -> Labelled: ...  # noqa: D102


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Inputs that need no preparation, [N, *input_shape], several by name; and labels, int64 [N]."""

    inputs: Batch
    labels: Tensor

    def __post_init__(self) -> None:
        if self.labels.shape != (len(self.inputs),) or self.labels.is_floating_point():
            raise BadData(
                f"labels of shape {tuple(self.labels.shape)} and type {self.labels.dtype} do not fit "
                f"{len(self.inputs)} inputs: give one whole number per input; real targets have no accuracy"
            )
        if not is_finite(self.inputs):
            raise BadData("an input holds values that are not finite: mend the data or its preparation")

    @property
    def only(self) -> Tensor:
        """The inputs of a network that takes one tensor.

        Raises:
            BadData: they are of several inputs.
        """
        if not isinstance(self.inputs, Tensor):
            raise BadData(f"one input is taken here, the samples have {len(self.inputs.tensors)}: give one tensor")
        return self.inputs


def prepared(split: Labelled, preparation: InputPreparation, *, limit: int | None = None) -> Prepared:
    """The first `limit` images [N, *input_shape] of a split, and their labels; None takes all."""
    images = torch.from_numpy(split.inputs[:limit])
    labels = torch.from_numpy(split.labels[:limit])
    return Prepared(torch.cat([preparation(part) for part in images.split(BATCH)]), labels)


def batches(samples: Prepared, *, size: int = BATCH) -> Iterator[tuple[Any, Tensor]]:
    """Inputs and labels, so many at a time, in order."""
    yield from zip(samples.inputs.split(size), samples.labels.split(size), strict=True)


def first(samples: Prepared, limit: int) -> Prepared:
    """The first so many of them."""
    return Prepared(samples.inputs[:limit], samples.labels[:limit])


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateSettings:
    """How to evaluate.

    Attributes:
        batch_size: images run at once.
        codes_images: how many images the codes are certified on.
        images: how many test images to use, the first ones; None means all.
        engine: `auto` runs in float64 where it is affordable, else in float32; the others are the files of
            `engines/runtimes/`, and speed is theirs then.
        energy_table: a name of `measure.cost.energy.TABLES`.
        noise: standard deviation of Gaussian noise on the prepared input, as a share of its range.
        seed: of the noise.
        device: where accuracies and speed are measured, such as `cpu` or `cuda:1`; `auto` takes a graphics
            processor if there is one. Codes are always certified on the CPU.
        output: by which of several outputs classes are told; None takes the only one that holds scores of classes.

    Raises:
        BadSetting: a number below its least value, an unknown table, or an engine that is not there.

    """

    batch_size: int = 250
    codes_images: int = 1000
    images: int | None = None
    engine: str = AUTO
    energy_table: str = "horowitz_int32"
    noise: float = 0.0
    seed: int = 0
    device: str = "cpu"
    output: str | None = None

    @property
    def place(self) -> torch.device:
        """The device itself."""
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return torch.device(self.device)

    def __post_init__(self) -> None:
        try:
            torch.empty(0, device=self.place)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).splitlines()[0]
            raise BadSetting(f"evaluate: device {self.device!r} is not there ({reason}): choose cpu or auto") from None
        numbers = {"batch_size": self.batch_size, "codes_images": self.codes_images, "images": self.images}
        for name, number in numbers.items():
            if number is not None and number < 1:
                raise BadSetting(f"evaluate: {name} must be at least 1, got {number}")
        if self.engine not in (AUTO, *engines()):
            raise BadSetting(f"evaluate: no engine {self.engine!r} here: choose one of {', '.join((AUTO, *engines()))}")
        if self.engine != AUTO and self.place.type not in engines()[self.engine].devices:
            raise BadSetting(f"evaluate: engine {self.engine!r} runs on the CPU, not on {self.device!r}: give cpu")
        if self.noise < 0:
            raise BadSetting(f"evaluate: noise must be at least 0, got {self.noise}")
        energy_table(self.energy_table)


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Batches of (inputs, labels) with noise as the settings say."""

    source: "_Stored | Prepared"
    settings: EvaluateSettings

    @property
    def count(self) -> int:
        """How many samples."""
        return len(self.source.labels)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shape of one sample of each input."""
        return tuple(tuple(each.shape[1:]) for each in tensors_of(self._part(slice(0, 1))[0]))

    def batches(self, limit: int | None = None) -> Iterator[tuple[Batch, Tensor]]:
        """Yield (inputs [n, *input_shape], labels [n]), `limit` samples at most."""
        generator = torch.Generator().manual_seed(self.settings.seed)
        stop = self.count if limit is None else min(limit, self.count)
        for start in range(0, stop, self.settings.batch_size):
            x, labels = self._part(slice(start, start + self.settings.batch_size))
            if isinstance(x, Tensor) and x.is_floating_point():
                x = add_noise(x, share=self.settings.noise, value_range=self._range, generator=generator)
            elif self.settings.noise:
                raise BadData("evaluate: noise is added to one input of real numbers, and the network takes others")
            yield x[: stop - start], labels[: stop - start]

    def _part(self, part: slice) -> tuple[Batch, Tensor]:
        if isinstance(self.source, Prepared):
            return self.source.inputs[part], self.source.labels[part]
        x = self.source.preparation(torch.tensor(self.source.stored[part]))
        return x, torch.tensor(self.source.labels[part])

    @property
    def _range(self) -> tuple[float, float]:
        if isinstance(self.source, Prepared):
            assert isinstance(self.source.inputs, Tensor)
            return float(self.source.inputs.min()), float(self.source.inputs.max())
        return self.source.preparation.value_range


@dataclass(frozen=True, slots=True, eq=False)
class _Stored:
    stored: NDArray[np.uint8]
    labels: NDArray[np.int64]
    preparation: AnyPreparation


def samples_for(
    blueprint: Blueprint,
    source: Source | None,
    data: TestData | Prepared,
    settings: EvaluateSettings,
    preparation: AnyPreparation | None,
) -> Samples:
    """The samples of `data` that the settings ask for, checked against the network.

    Raises:
        BadData: none, or inputs or labels that do not fit.
        BadModel: an output that holds no scores of classes.
    """
    limit = slice(settings.images)
    if isinstance(data, Prepared):
        given = Prepared(real(blueprint.plan.inputs, data.inputs), data.labels)
        samples = Samples(Prepared(given.inputs[limit], given.labels[limit]), settings)
    else:
        prepare = preparation or (None if source is None else source.preparation)
        if prepare is None:
            raise BadData("evaluate: it is not known how images become inputs: give mean, std and size of the images")
        samples = Samples(_Stored(data.test.inputs[limit], data.test.labels[limit], prepare), settings)
    if not samples.count:
        raise BadData("evaluate: the test split holds no images: give a data set that is not empty")
    wanted = tuple(each.sample_shape for each in blueprint.plan.inputs)
    if samples.shapes != wanted:
        made, taken = (", ".join(map(str, shapes)) for shapes in (samples.shapes, wanted))
        raise BadData(f"evaluate: images become inputs of shape {made}, the network takes {taken}")
    scores = blueprint.plan.outputs[
        output_of({name: node.shape for name, node in blueprint.plan.outputs.items()}, settings.output, "evaluate")
    ].shape
    largest = int(samples.source.labels.max())
    if largest >= scores[0]:
        raise BadData(f"evaluate: label {largest} is in the data, but the network has {scores[0]} classes")
    return samples
