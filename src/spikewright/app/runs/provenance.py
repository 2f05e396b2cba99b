"""Where figures come from: versions, date, the command, and SHA-256 of the files and images that went into them.

    sha256sum RUN/plan.json                         the same as `files` says
    sha256(inputs as float32, C order), sha256(labels as int64), both little-endian     of the images as they were used
The date is that of the clock, or $SOURCE_DATE_EPOCH where files have to be the same to the byte
(https://reproducible-builds.org/specs/source-date-epoch/).
"""

import hashlib
import os
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any, Literal

import torch

from spikewright import __version__
from spikewright.errors import BadFile, BadSetting
from spikewright.measure.samples import Prepared

Of = Literal["spiking", "source"]
FILES: dict[Of, tuple[str, ...]] = {
    "spiking": ("plan.json", "weights.safetensors"),
    "source": ("source.json", "source.safetensors"),
}
"""What a run folder holds of either network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What made a file.

    Attributes:
        spikewright, torch, numpy, python: versions.
        date: in UTC, ISO 8601, to the second.
        command: as it would be typed again.
    """

    spikewright: str
    torch: str
    numpy: str
    python: str
    date: str
    command: str

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def provenance(arguments: Sequence[str]) -> Provenance:
    """Of this process, which was called with these arguments.

    Raises:
        BadSetting: a $SOURCE_DATE_EPOCH that is no date.
    """
    return Provenance(
        spikewright=__version__,
        torch=torch.__version__,
        numpy=version("numpy"),
        python=python_version(),
        date=_date(),
        command=shlex.join(["spikewright", *arguments]),
    )


def _date() -> str:
    given = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        now = datetime.now(UTC) if given is None else datetime.fromtimestamp(int(given), UTC)
    except (ValueError, OverflowError, OSError):
        raise BadSetting("SOURCE_DATE_EPOCH is no number of seconds since 1970: unset it, or give one") from None
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """A network and its images, so that both can be known again.

    Attributes:
        run: its folder, as it was given.
        name: of the folder.
        of: which of its networks.
        files: SHA-256 of each file that the network was read from.
        inputs, labels: SHA-256 of the images as the network took them.
    """

    run: str
    name: str
    of: Of
    files: dict[str, str]
    inputs: str
    labels: str

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "run": self.run,
            "name": self.name,
            "of": self.of,
            "sha256": {**self.files, "inputs": self.inputs, "labels": self.labels},
        }


def traced(run: Path, of: Of, samples: Prepared) -> Traced:
    """What a network of a run and its images are known by.

    Raises:
        BadFile: a file that cannot be read.
    """
    return Traced(
        run=str(run),
        name=run.resolve().name,
        of=of,
        files={name: _of_file(run / name) for name in FILES[of]},
        inputs=_of_array(samples.only.to(torch.float32)),
        labels=_of_array(samples.labels.to(torch.int64)),
    )


def _of_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadFile(f"{path} cannot be read ({error.strerror}): look at the run folder") from None


def _of_array(array: torch.Tensor) -> str:
    made = array.detach().cpu().contiguous().numpy()
    return hashlib.sha256(made.astype(made.dtype.newbyteorder("<"), copy=False).tobytes()).hexdigest()
