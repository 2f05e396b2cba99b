"""Asking a campaign for accuracies under faults, and keeping the answers: the one place where a search meets faults.

    Measure: (network, images, what to inject) → accuracy without faults, accuracy under each fault map
A fault map is a pure function of (seed, stratum, number), so the first n of a longer campaign are the campaign of n:
what is on disk already is never asked for again, and a longer campaign goes on from a shorter one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from spikewright.ann.source import Source
from spikewright.data.files import write_json
from spikewright.data.json_file import read_json
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadFile
from spikewright.measure.samples import Prepared
from spikewright.snn.blueprint import Blueprint

LOCKS = ".locks"


class FaultyAccuracies(NamedTuple):
    """One network under faults: accuracy without any, and under each fault map by its number; shares 0..1."""

    accuracy_golden: float
    accuracies: NDArray[np.float64]  # [maps]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultLoad:
    """What is injected: rate, maps 0 … maps − 1 of the seed, and how weights are stored that are no integers yet."""

    ber: float
    maps: int
    seed: int
    bits: int
    per_channel: bool = False


class Measure(Protocol):
    """A campaign over the whole network."""

    def __call__(
        self,
        network: Blueprint | Source,
        samples: Prepared,
        load: FaultLoad,
        *,
        record: Path,
        on_progress: Progress = silent,
    ) -> FaultyAccuracies:
        """Run it; `record` is a file that an interrupted campaign may leave and go on from."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """Campaigns whose answers are kept, a file for each network and rate; several processes may ask at once.

    Attributes:
        measure: who runs them.
        folder: where the answers are.
    """

    measure: Measure
    folder: Path

    def __call__(
        self,
        name: str,
        network: Callable[[], Blueprint | Source],
        samples: Prepared,
        load: FaultLoad,
        *,
        of: str,
        on_progress: Progress = silent,
    ) -> FaultyAccuracies:
        """The first maps of a campaign.

        Args:
            name: of the network, in file names.
            network: made only if it has to run.
            samples: prepared images and labels.
            load: what is injected.
            of: what tells this network and these images from others of that name.
            on_progress: called as maps are done.

        Raises:
            BadFile: the answers on disk are damaged, or those of another network.
        """
        path = self.folder / f"{name}@{load.ber:g}_s{load.seed}.json"
        identity = {**asdict(load), "of": of, "images": len(samples.labels)}
        del identity["maps"]
        with locked(path):
            raw = _read(path, identity)
            if raw is None or len(raw.accuracies) < load.maps:
                raw = self.measure(network(), samples, load, record=path.with_suffix(".jsonl"), on_progress=on_progress)
                record = {
                    "accuracy_golden": raw.accuracy_golden,
                    "accuracies": [float(each) for each in raw.accuracies],
                }
                write_json(path, {"of": identity, **record})
        return FaultyAccuracies(raw.accuracy_golden, raw.accuracies[: load.maps])


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """A file or folder for this process alone, until the block ends or the process does."""
    locks, anew = path.parent / LOCKS, not path.parent.exists()
    try:
        locks.mkdir(parents=True, exist_ok=True)
    except OSError:
        if anew:  # nothing is in it yet
            with suppress(OSError):
                path.parent.rmdir()
        raise
    with FileLock(locks / path.name):
        yield


def _read(path: Path, identity: dict[str, Any]) -> FaultyAccuracies | None:
    if not path.is_file():
        return None
    try:
        raw = read_json(path, way_out="it is damaged; delete it to measure again")
        same = raw["of"] == identity
        found = FaultyAccuracies(float(raw["accuracy_golden"]), np.array(raw["accuracies"], dtype=np.float64))
    except BadFile:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise BadFile(f"{path} cannot be read ({error}): it is damaged; delete it to measure again") from None
    if not same:
        raise BadFile(f"{path} holds accuracies of another network, or under other faults: choose another out folder")
    return found
