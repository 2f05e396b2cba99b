"""A fault campaign: many maps of one fault on one network and one set of images, recorded and summed up.

    map (seed, stratum, id) → patch → faulty scores → outcome;  maps in any order, on any worker, in any batches
What a map does is a pure function of the network, the images, the fault and (seed, stratum, id), so a record of maps
is all there is to know, and a campaign that was killed goes on from it. Counts of maps are fixed beforehand, or grow
by planned looks until the mean is known well enough.

Source: "Reliability-Aware Hyperparameter Optimization for ANN-to-SNN Conversion", §II–III: model-wise and layer-wise
injection at a bit error rate; Leveugle et al. 2009 for statistical fault injection.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from spikewright.ann.source import Source
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadData, BadSetting
from spikewright.measure.accuracy import require_classes
from spikewright.measure.samples import Prepared
from spikewright.measure.statistics.looks import enough
from spikewright.reliability.campaign.identity import identity
from spikewright.reliability.campaign.outcomes import Outcome, classes
from spikewright.reliability.campaign.record import Key, Record
from spikewright.reliability.campaign.rows import row_of
from spikewright.reliability.campaign.settings import Injection, InjectSettings
from spikewright.reliability.campaign.storage import storage_of
from spikewright.reliability.campaign.strata import Stratum
from spikewright.reliability.campaign.work import Payload, Ready, Task, patch_of, prepare, work
from spikewright.reliability.faults import Fault
from spikewright.reliability.workers.pool import gather
from spikewright.snn.blueprint import Blueprint

_GOLDEN_BYTES = 1_500_000_000  # of fault-free values that are kept by all workers of a machine together
_MOST_MAPS_A_TASK = 64
_TASKS_A_WORKER = 4
_CLUSTER = 16  # workers that tasks are cut for where only the cluster knows how many it has


def inject(
    network: Blueprint | Source,
    samples: Prepared,
    settings: InjectSettings,
    *,
    record: Path | Record | None = None,
    on_progress: Progress = silent,
) -> Injection:
    """Run a campaign, or what is left of it.

    Args:
        network: a spiking network, or an ordinary one; neither is changed.
        samples: inputs [N, *input_shape] and labels [N].
        settings: the campaign.
        record: file, or an open record of this campaign and others, that maps are written to as they are done; where
            it has some, they are not run again.
        on_progress: told how far it is, and in a line when workers died and their maps are sent out again.

    Raises:
        BadData: no images, or images that are not what the network takes.
        BadModel: a network without weights to strike, or whose output is no row of class scores.
        BadSetting: a layer, bit or fault that does not go with the network.
        BadFile: a record that is none, or another campaign's.
    """
    inputs, labels = checked(network, samples, settings.fault)
    payload = Payload(network, inputs, labels, settings, _GOLDEN_BYTES // _count(settings))
    ready = prepare(payload)
    campaign = identity(network, samples, settings)
    if isinstance(record, Record):
        return _run(payload, ready, campaign.name, record, on_progress)
    with Record.open(record, {campaign.name: campaign.described}) as book:
        return _run(payload, ready, campaign.name, book, on_progress)


def _run(
    payload: Payload,
    ready: Ready,
    campaign: str,
    book: Record,
    on_progress: Progress,
) -> Injection:
    with torch.no_grad():
        golden = [(golden.scores, golden.wide) for golden, _ in ready.goldens()]
    golden_scores, wide = np.concatenate([scores for scores, _ in golden]), sum(count for _, count in golden)
    done = _Done(book, campaign, payload.settings, list(ready.strata.values()), len(ready.labels))
    _complete(done, payload, ready, on_progress)
    return _injection(done, payload, ready, golden_scores, wide, campaign)


def _complete(done: "_Done", payload: Payload, ready: Ready, on_progress: Progress) -> None:
    """Run the maps that are missing, look by look."""
    settings = payload.settings
    # in this process the fault-free pass is there already
    build = (lambda _: ready) if _here(settings) else prepare
    open_ = list(ready.strata.values())

    def notice(line: str) -> None:
        on_progress("workers", 0, 0, note=line)

    for wanted in settings.counts:
        if not open_:
            break
        tasks = _tasks(done, open_, wanted, _count(settings))
        total = wanted * len(open_)
        left = sum(len(task.numbers) for task in tasks)
        on_progress("fault maps", total - left, total, note=done.note())
        for task, found in gather(build, work, payload, tasks, settings.workers, notice=notice):
            done.add(task, found)
            left -= len(found)
            on_progress("fault maps", total - left, total, note=done.note())
        open_ = [part for part in open_ if not done.enough(part.name, wanted)]


def _injection(
    done: "_Done", payload: Payload, ready: Ready, golden_scores: NDArray[np.floating], wide: int, campaign: str
) -> Injection:
    """All that is known, summed up part by part."""
    settings = payload.settings
    images = len(ready.labels)
    golden = float((classes(golden_scores) == ready.labels).mean())
    sites = ready.target.sites()
    best = np.sort(golden_scores, 1)
    return Injection(
        accuracy_golden=golden,
        images=images,
        ties=int((best[:, -1] == best[:, -2]).sum()) if best.shape[1] > 1 else 0,
        silent=int((golden_scores == 0).all(1).sum()),
        bits_total=sites.bits,
        weight_bits=max(memory.bits for memory in sites.memories),
        storage=storage_of(payload.network, sites, settings.format),
        settings=settings,
        arithmetic=ready.target.arithmetic + (f"; {wide:,} images of wide range in parts" if wide else ""),
        campaign=campaign,
        sites=sites,
        rows=tuple(
            row_of(
                part.name, done.of(part.name), bits=part.sites.bits, images=images, golden=golden,
                level=settings.level, cap=None if settings.precision is None else settings.cap,
            )
            for part in ready.strata.values()
        ),
    )  # fmt: skip


def _here(settings: InjectSettings) -> bool:
    """Whether maps are run in this process."""
    return settings.workers.backend == "loky" and settings.workers.count in {None, 1}


def _count(settings: InjectSettings) -> int:
    """How many workers there may be."""
    return settings.workers.count or (1 if _here(settings) else _CLUSTER)


class _Done:
    """Which maps are known, and what they say."""

    def __init__(
        self, book: Record, campaign: str, settings: InjectSettings, parts: Sequence[Stratum], images: int
    ) -> None:
        self._book, self._campaign, self._settings, self._images = book, campaign, settings, images
        self._known: dict[str, dict[int, Outcome]] = {part.name: {} for part in parts}
        self._count, self._sum, self._squares = 0, 0, 0  # of what is known, in images that were right
        for key, outcome in book.done.items():
            if key.campaign == campaign and key.stratum in self._known:
                self._take(key.stratum, key.number, outcome)

    def _take(self, stratum: str, number: int, outcome: Outcome) -> None:
        self._known[stratum][number] = outcome
        self._count += 1
        self._sum += outcome.right
        self._squares += outcome.right**2

    def missing(self, stratum: str, count: int) -> list[int]:
        """Ids of the first `count` maps that are not known."""
        known = self._known[stratum]
        return [number for number in range(count) if number not in known]

    def add(self, task: Task, found: Sequence[Outcome]) -> None:
        """Take the maps of a task over, into the record first."""
        keys = (Key(self._campaign, task.stratum, number) for number in task.numbers)
        self._book.add(zip(keys, found, strict=True))
        for number, outcome in zip(task.numbers, found, strict=True):
            self._take(task.stratum, number, outcome)

    def of(self, stratum: str) -> list[Outcome]:
        """The maps that count, by id: those of the plan, even where the record has more."""
        counts = self._settings.counts
        count = next((count for count in counts[:-1] if self.enough(stratum, count)), counts[-1])
        return [self._known[stratum][number] for number in range(count)]

    def enough(self, stratum: str, count: int) -> bool:
        """Whether the mean is known well enough by the first `count` maps, or was before."""
        precision = self._settings.precision
        if precision is None or self.missing(stratum, count):
            return False
        right = [self._known[stratum][number].right / self._images for number in range(count)]
        return enough(right, precision, level=self._settings.level, cap=self._settings.cap)

    def note(self) -> str:
        """How the accuracy looks so far, over all parts."""
        if self._count < 2:
            return ""
        mean = self._sum / self._count
        variance = max(self._squares / self._count - mean**2, 0.0) * self._count / (self._count - 1)
        half = 1.96 * math.sqrt(variance / self._count)
        return f"{100 * mean / self._images:.2f} ± {100 * half / self._images:.2f} %"


def _tasks(done: _Done, parts: Sequence[Stratum], count: int, workers: int) -> list[Task]:
    """The maps that are missing, in groups small enough that all workers have some until the end."""
    missing = [(part.name, done.missing(part.name, count)) for part in parts]
    total = sum(len(numbers) for _, numbers in missing)
    size = max(1, min(_MOST_MAPS_A_TASK, math.ceil(total / (_TASKS_A_WORKER * workers))))
    return [
        Task(name, tuple(numbers[start : start + size]))
        for name, numbers in missing
        for start in range(0, len(numbers), size)
    ]


def checked(network: Blueprint | Source, samples: Prepared, fault: Fault) -> tuple[Tensor, Tensor]:
    """Inputs and labels of a campaign, if network, images and fault go together.

    Raises:
        BadData, BadModel, BadSetting: as `inject` does of these.
    """
    taken = (network if isinstance(network, Source) else network.plan).input
    if taken.ids is not None or not isinstance(samples.inputs, Tensor):
        raise BadSetting(
            "inject: the network takes ids, and campaigns are on networks of one input of real numbers: choose another"
        )
    shape = network.input_shape if isinstance(network, Source) else network.plan.sample_shape
    output = network.output_shape if isinstance(network, Source) else network.plan.readout.shape
    if isinstance(network, Source) and not fault.ordinary:
        raise BadSetting(
            f"inject: fault {fault.kind!r} is one of spiking neurons, and it has none: strike a spiking run, or "
            "choose a fault of weights, neurons or pixels"
        )
    if not len(samples.labels):
        raise BadData("inject: there are no images: give a split that is not empty")
    if tuple(samples.inputs.shape[1:]) != tuple(shape):
        raise BadData(f"inject: inputs have shape {tuple(samples.inputs.shape[1:])}, the network takes {tuple(shape)}")
    require_classes(output, "inject")
    least, largest = (int(label) for label in samples.labels.aminmax())
    if least < 0 or largest >= output[0]:
        wrong = least if least < 0 else largest
        raise BadData(f"inject: label {wrong} is in the data, but the network has {output[0]} classes")
    return samples.inputs.detach().cpu(), samples.labels.detach().cpu().to(torch.int64)


def rehearse(network: Blueprint | Source, samples: Prepared, settings: InjectSettings) -> None:
    """Refuse what `inject` would refuse of a network, images and settings, before anything is written.

    Raises:
        BadData, BadModel, BadSetting: as `inject`.
    """
    inputs, labels = checked(network, samples, settings.fault)
    ready = prepare(Payload(network, inputs[:1], labels[:1], settings, 0))
    for part in ready.strata.values():
        _ = patch_of(part, settings, 0)  # more places than a part has, or what only the data say
