"""Certify a run: its blueprint against the source it holds, on images of its data set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from spikewright.app.runs import acquire
from spikewright.app.runs.acquire import ImageSettings
from spikewright.app.runs.arithmetic import settle_arithmetic
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadSetting, NotExact
from spikewright.interchange import run_folder as folder
from spikewright.measure.equality import certificate as verification
from spikewright.measure.equality.certificate import Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyRequest:
    """Which run to certify, and on what.

    Attributes:
        run: folder of a converted network, with its source.
        data: a name, folder or hub id; None takes the run's own.
        images: how images are prepared.
        samples: images to compare codes on, the first ones.
        split: train, validation or test.

    Raises:
        BadSetting: no images, or a split that there is none of.
    """

    run: Path
    data: str | None = None
    images: ImageSettings = field(default_factory=ImageSettings)
    samples: int = 1000
    split: str = "test"

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise BadSetting(f"verify: --images is {self.samples}, but must be at least 1")
        acquire.require_split(self.split)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyResult:
    """The certificate, and what the run folder says about the network."""

    certificate: Certificate
    about: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The certificate as plain data."""
        return self.certificate.to_json()


def run(request: VerifyRequest, *, on_progress: Progress | None = None) -> VerifyResult:
    """Compare every code of the run's network with its quantised source.

    Raises:
        SpikewrightError: as loading the run and the data does, and where no data is named.
        NotExact: the network's weights were rounded after training.
    """
    settle_arithmetic()
    blueprint, _ = folder.load_blueprint(request.run)
    bits = blueprint.weight_bits
    if bits and not acquire.is_spiking_run(request.run):
        raise NotExact(
            f"verify: the weights of {request.run} were rounded to {', '.join(map(str, bits))} bits after training, so "
            "it is not equal to its source: evaluate it, or convert without --weight-bits"
        )
    source, loaded, about = acquire.of_run(request.run, data=request.data, images=request.images)
    if loaded is None:
        raise BadSetting(f"verify: run {request.run} does not say what data it was made with: give --data")
    split = acquire.split_of(loaded, request.split)
    batches = acquire.inputs(split, loaded, limit=request.samples, batch_size=32)
    counted = _counted(batches, silent if on_progress is None else on_progress)
    return VerifyResult(certificate=verification.verify(blueprint, source, counted), about=about)


def _counted(batches: Sequence[Tensor], on_progress: Progress) -> Iterator[Tensor]:
    """The batches, each reported when the next one is asked for."""
    done, total = 0, sum(map(len, batches))
    on_progress("images", done, total)
    for batch in batches:
        yield batch
        done += len(batch)
        on_progress("images", done, total)
