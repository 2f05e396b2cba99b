"""A fault campaign: many maps of one fault on one network and one set of images, recorded and summed up.

    map (seed, stratum, id) → patch → faulty scores → outcome;  maps in any order, on any worker, in any batches
What a map does is a pure function of the network, the images, the fault and (seed, stratum, id), so a record of maps
is all there is to know, and a campaign that was killed goes on from it. Counts of maps are fixed beforehand, or grow
by planned looks until the mean is known well enough.

Source: "Reliability-Aware Hyperparameter Optimization for ANN-to-SNN Conversion", §II–III: model-wise and layer-wise
injection at a bit error rate; Leveugle et al. 2009 for statistical fault injection.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from spikewright.blueprint import Blueprint
from spikewright.campaigns.identity import identity
from spikewright.campaigns.outcomes import Outcome, classes
from spikewright.campaigns.pool import gather
from spikewright.campaigns.record import Key, Record
from spikewright.campaigns.rows import row_of
from spikewright.campaigns.settings import Injection, InjectSettings
from spikewright.campaigns.strata import Stratum
from spikewright.campaigns.work import Payload, Task, prepare, work
from spikewright.errors import BadData, BadModel, BadSetting
from spikewright.evidence.looks import enough
from spikewright.faults import Fault
from spikewright.samples import Prepared
from spikewright.source import Source

_GOLDEN_BYTES = 1_500_000_000  # of fault-free values that are kept by all workers of a machine together
_MOST_MAPS_A_TASK = 64
_TASKS_A_WORKER = 4
_CLUSTER = 16  # workers that tasks are cut for where only the cluster knows how many it has


class Progress(Protocol):
    """Told what is under way, how many parts are done, and of how many; `note` says how it looks so far."""

    def __call__(self, what: str, done: int, of: int, /, note: str = "") -> None: ...  # noqa: D102


def inject(
    network: Blueprint | Source,
    samples: Prepared,
    settings: InjectSettings,
    *,
    record: Path | Record | None = None,
    progress: Progress | None = None,
    notice: Callable[[str], None] | None = None,
) -> Injection:
    """Run a campaign, or what is left of it.

    Args:
        network: a spiking network, or an ordinary one; neither is changed.
        samples: inputs [N, *input_shape] and labels [N].
        settings: the campaign.
        record: file, or an open record of this campaign and others, that maps are written to as they are done; where
            it has some, they are not run again.
        progress: told how far it is.
        notice: told, in one line, when workers died and their maps are sent out again.

    Raises:
        BadData: no images, or images that are not what the network takes.
        BadModel: a network without weights to strike, or whose output is no row of class scores.
        BadSetting: a layer, bit or fault that does not go with the network.
        BadFile: a record that is none, or another campaign's.
    """
    campaign = identity(network, samples, settings)
    if isinstance(record, Record):
        return _run(network, samples, settings, campaign.name, record, progress or _silent, notice)
    with Record.open(record, {campaign.name: campaign.described}) as book:
        return _run(network, samples, settings, campaign.name, book, progress or _silent, notice)


def _run(
    network: Blueprint | Source,
    samples: Prepared,
    settings: InjectSettings,
    campaign: str,
    book: Record,
    progress: Progress,
    notice: Callable[[str], None] | None,
) -> Injection:
    inputs, labels = _checked(network, samples, settings.fault)
    here = settings.workers.backend == "loky" and settings.workers.count in {None, 1}
    count = settings.workers.count or (1 if here else _CLUSTER)
    payload = Payload(network, inputs, labels, settings, _GOLDEN_BYTES // count)
    ready = prepare(payload)
    with torch.no_grad():
        golden_scores = np.concatenate([golden.scores for golden, _ in ready.goldens()])
    golden = float((classes(golden_scores) == ready.labels).mean())
    parts = list(ready.strata.values())
    done = _Done(book, campaign, settings, len(labels))
    # in this process the fault-free pass is there already
    build = (lambda _: ready) if here else prepare
    for step, wanted in enumerate(settings.counts):
        open_ = [part for part in parts if step == 0 or not done.enough(part.name, settings.counts[step - 1])]
        tasks = _tasks(done, open_, wanted, count)
        total = sum(wanted for _ in open_)
        progress("fault maps", total - sum(len(task.numbers) for task in tasks), total, note=done.note(parts))
        for task, found in gather(build, work, payload, tasks, settings.workers, notice=notice):
            done.add(task, found)
            left = sum(len(done.missing(part.name, wanted)) for part in open_)
            progress("fault maps", total - left, total, note=done.note(parts))
    sites = ready.target.sites()
    best = np.sort(golden_scores, 1)
    return Injection(
        accuracy_golden=golden,
        images=len(labels),
        ties=int((best[:, -1] == best[:, -2]).sum()) if best.shape[1] > 1 else 0,
        silent=int((golden_scores == 0).all(1).sum()),
        bits_total=sites.bits,
        weight_bits=max(memory.bits for memory in sites.memories),
        settings=settings,
        arithmetic=ready.target.arithmetic,
        campaign=campaign,
        sites=sites,
        rows=tuple(
            row_of(
                part.name, done.of(part.name), bits=part.sites.bits, images=len(labels), golden=golden,
                level=settings.level, cap=None if settings.precision is None else settings.cap,
            )
            for part in parts
        ),
    )  # fmt: skip


class _Done:
    """Which maps are known, and what they say."""

    def __init__(self, book: Record, campaign: str, settings: InjectSettings, images: int) -> None:
        self._book, self._campaign, self._settings, self._images = book, campaign, settings, images

    def _key(self, stratum: str, number: int) -> Key:
        return Key(self._campaign, stratum, number)

    def missing(self, stratum: str, count: int) -> list[int]:
        return [number for number in range(count) if self._key(stratum, number) not in self._book.done]

    def add(self, task: Task, found: Sequence[Outcome]) -> None:
        keys = (self._key(task.stratum, number) for number in task.numbers)
        self._book.add(zip(keys, found, strict=True))

    def of(self, stratum: str) -> list[Outcome]:
        """The maps that count, by id: those of the plan, even where the record has more."""
        counts = self._settings.counts
        for count in counts:
            if count == counts[-1] or self.enough(stratum, count):
                return [self._book.done[self._key(stratum, number)] for number in range(count)]
        raise AssertionError("a plan has a last count")

    def enough(self, stratum: str, count: int) -> bool:
        precision = self._settings.precision
        if precision is None or self.missing(stratum, count):
            return False
        right = [self._book.done[self._key(stratum, number)].right / self._images for number in range(count)]
        return enough(right, precision, level=self._settings.level, cap=self._settings.cap)

    def note(self, parts: Sequence[Stratum]) -> str:
        """How the accuracy looks so far, over all parts."""
        names = {part.name for part in parts}
        right = [
            outcome.right / self._images
            for key, outcome in self._book.done.items()
            if key.campaign == self._campaign and key.stratum in names
        ]
        if len(right) < 2:
            return ""
        half = 1.96 * float(np.std(right, ddof=1)) / math.sqrt(len(right))
        return f"{100 * float(np.mean(right)):.2f} ± {100 * half:.2f} %"


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


def _checked(network: Blueprint | Source, samples: Prepared, fault: Fault) -> tuple[Tensor, Tensor]:
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
    if len(output) != 1:
        raise BadModel(f"inject: the network's output has shape {output}: accuracy needs one row of class scores")
    largest = int(samples.labels.max())
    if largest >= output[0] or int(samples.labels.min()) < 0:
        raise BadData(f"inject: label {largest} is in the data, but the network has {output[0]} classes")
    return samples.inputs.detach().cpu(), samples.labels.detach().cpu().to(torch.int64)


def _silent(what: str, done: int, of: int, /, note: str = "") -> None:
    """Tell nobody."""
