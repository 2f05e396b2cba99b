"""A fault campaign: many maps of one fault on one network and one set of images, recorded and summed up.

    map (seed, stratum, id) → patch → faulty scores → outcome;  maps in any order, on any worker, in any batches
What a map does is a pure function of the network, the images, the fault and (seed, stratum, id), so a record of maps
is all there is to know, and a campaign that was killed goes on from it. Counts of maps are fixed beforehand, or grow
by planned looks until the mean is known well enough.

Source: "Reliability-Aware Hyperparameter Optimization for ANN-to-SNN Conversion", §II–III: model-wise and layer-wise
injection at a bit error rate; Leveugle et al. 2009 for statistical fault injection.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor

from spikewright.affine import outputs_first
from spikewright.blueprint import Blueprint
from spikewright.campaigns.ordinary_target import OrdinaryTarget
from spikewright.campaigns.outcomes import Outcome, classes, outcome
from spikewright.campaigns.pool import Workers, gather
from spikewright.campaigns.propagate import Golden, Shortcuts, run_faulty, run_golden
from spikewright.campaigns.record import Key, Record
from spikewright.campaigns.rows import Row, overall, row_of
from spikewright.campaigns.spiking_target import SpikingTarget
from spikewright.campaigns.strata import SCOPES, Scope, Stratum, strata
from spikewright.errors import BadData, BadModel, BadSetting
from spikewright.evidence.looks import enough, looks
from spikewright.faults import Fault
from spikewright.faults._draw import Draw
from spikewright.quantisers.uniform import Uniform
from spikewright.samples import Prepared
from spikewright.source import Source

VERSION = 1  # of what a map does to a network; records of another version are another campaign's
SAMPLE = 256  # images from which grids are taken
_GOLDEN_BYTES = 1_500_000_000  # of fault-free values that are kept by all workers of a machine together
_MOST_MAPS_A_TASK = 64
_TASKS_A_WORKER = 4
_CLUSTER = 16  # workers that tasks are cut for where only the cluster knows how many it has


class Progress(Protocol):
    """Told what is under way, how many parts are done, and of how many; `note` says how it looks so far."""

    def __call__(self, what: str, done: int, of: int, /, note: str = "") -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectSettings:
    """A campaign.

    Attributes:
        fault: the kind and its settings.
        bits: of weights that the network does not store as integers yet, 2..16.
        per_channel: one scale for each output channel of such.
        scope: how finely the network is divided; each part has its own maps.
        layer: only this layer.
        bit: only this bit of each weight, 0 the least.
        maps: fault maps of each part.
        precision: a half width to go on to, a share (0.01 is one point), by planned looks; `maps` counts no more then.
        cap: maps at which that ends.
        level: of intervals.
        seed: of the maps.
        batch_size: images run at once; results do not depend on it.
        workers: where maps are run; nor on that.
        shortcuts: how; nor on that.

    Raises:
        BadSetting: a number outside its range, or an unknown scope.
    """

    fault: Fault
    bits: int = 8
    per_channel: bool = False
    scope: Scope = "model"
    layer: str | None = None
    bit: int | None = None
    maps: int = 100
    precision: float | None = None
    cap: int = 1000
    level: float = 0.95
    seed: int = 0
    batch_size: int = 250
    workers: Workers = field(default_factory=Workers)
    shortcuts: Shortcuts = field(default_factory=Shortcuts)

    def __post_init__(self) -> None:
        for name, number in {"maps": self.maps, "cap": self.cap, "batch_size": self.batch_size}.items():
            if number < 1:
                raise BadSetting(f"inject: {name} must be at least 1, got {number}")
        if self.scope not in SCOPES:
            raise BadSetting(f"inject: no scope {self.scope!r}: choose one of {', '.join(SCOPES)}")
        if not 0 < self.level < 1:
            raise BadSetting(f"inject: level must be between 0 and 1, got {self.level}")
        if self.precision is not None and not 0 < self.precision < 1:
            raise BadSetting(f"inject: precision must be between 0 and 1 (0.01 is one point), got {self.precision}")
        _ = self.format

    @property
    def format(self) -> Uniform:
        """How weights are stored that are none of integers yet."""
        return Uniform(bits=self.bits, per_channel=self.per_channel)

    @property
    def counts(self) -> tuple[int, ...]:
        """The numbers of maps at which a part may be done."""
        return (self.maps,) if self.precision is None else looks(self.cap)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Injection:
    """What a campaign found.

    Attributes:
        accuracy_golden: share of images that are right without faults, with weights stored as they are here.
        images: how many.
        ties: images whose best score two classes share, without faults.
        silent: images whose scores are all 0, without faults.
        bits_total: stored bits of the whole network.
        weight_bits: of each weight; the most, where they differ.
        settings: of the campaign.
        arithmetic: in which it ran.
        campaign: its identity, as records name it.
        rows: one a part.
    """

    accuracy_golden: float
    images: int
    ties: int
    silent: int
    bits_total: int
    weight_bits: int
    settings: InjectSettings
    arithmetic: str
    campaign: str
    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data, without what depends on how they were worked out."""
        settings, fault = self.settings, self.settings.fault
        return {
            "accuracy_golden": self.accuracy_golden,
            **overall(self.rows, settings.level),
            "maps": sum(row.maps for row in self.rows),
            "images": self.images,
            "ber": getattr(fault, "ber", None),
            "fault": TypeAdapter(type(fault)).dump_python(fault, mode="json"),
            "weight_bits": self.weight_bits,
            "bits_total": self.bits_total,
            "scope": settings.scope,
            "verdict": None,
            "level": settings.level,
            "interval": "t over maps" if settings.precision is None else "t over maps, planned looks",
            "planned_maps": settings.maps if settings.precision is None else settings.cap,
            "precision": settings.precision,
            "seed": settings.seed,
            "quantisation": asdict(settings.format),
            "ties": self.ties,
            "silent": self.silent,
            "arithmetic": self.arithmetic,
            "campaign": self.campaign,
            "rows": [row.to_json() for row in self.rows],
        }


def inject(
    network: Blueprint | Source,
    samples: Prepared,
    settings: InjectSettings,
    *,
    record: Path | Record | None = None,
    progress: Progress | None = None,
) -> Injection:
    """Run a campaign, or what is left of it.

    Args:
        network: a spiking network, or an ordinary one; neither is changed.
        samples: inputs [N, *input_shape] and labels [N].
        settings: the campaign.
        record: file, or an open record of this campaign and others, that maps are written to as they are done; where
            it has some, they are not run again.
        progress: told how far it is.

    Raises:
        BadData: no images, or images that are not what the network takes.
        BadModel: a network without weights to strike, or whose output is no row of class scores.
        BadSetting: a layer, bit or fault that does not go with the network.
        BadFile: a record that is none, or another campaign's.
    """
    campaign = identity(network, samples, settings)
    if isinstance(record, Record):
        return _run(network, samples, settings, campaign.name, record, progress or _silent)
    with Record.open(record, {campaign.name: campaign.described}) as book:
        return _run(network, samples, settings, campaign.name, book, progress or _silent)


class Campaign(NamedTuple):
    """What makes a campaign this one and no other."""

    name: str
    described: dict[str, Any]


def identity(network: Blueprint | Source, samples: Prepared, settings: InjectSettings) -> Campaign:
    """A short name that depends on everything that a map's outcome depends on, and what that is in words."""
    fault = settings.fault
    described = {
        "version": VERSION,
        "network": _digest(network),
        "images": hashlib.blake2b(
            samples.inputs.contiguous().numpy().tobytes() + samples.labels.numpy().tobytes(), digest_size=8
        ).hexdigest(),
        "count": len(samples.labels),
        "fault": TypeAdapter(type(fault)).dump_python(fault, mode="json"),
        "quantisation": asdict(settings.format),
        "seed": settings.seed,
    }
    text = json.dumps(described, sort_keys=True)
    return Campaign(hashlib.blake2b(text.encode(), digest_size=8).hexdigest(), described)


def _digest(network: Blueprint | Source) -> str:
    structure = repr(network.nodes) if isinstance(network, Source) else repr(network.plan)
    found = hashlib.blake2b(structure.encode(), digest_size=8)
    for name in sorted(network.arrays):
        found.update(name.encode())
        found.update(network.arrays[name].detach().contiguous().numpy().tobytes())
    return found.hexdigest()


def target_of(network: Blueprint | Source, weights: Uniform, sample: Tensor) -> SpikingTarget | OrdinaryTarget:
    """A network laid out for injection."""
    if isinstance(network, Source):
        return OrdinaryTarget(network, weights, sample)
    return SpikingTarget(network, weights, sample)


# The run ---------------------------------------------------------------------------------------------------


class _Payload(NamedTuple):
    """What every worker needs."""

    network: Blueprint | Source
    inputs: Tensor
    labels: Tensor
    settings: InjectSettings
    keep: bool  # whether fault-free values are kept from one task to the next


class _Task(NamedTuple):
    """Some maps of one part."""

    stratum: str
    numbers: tuple[int, ...]


class _Prepared:
    """A network on one worker, ready for maps."""

    def __init__(self, payload: _Payload) -> None:
        settings = payload.settings
        self.target = target_of(payload.network, settings.format, payload.inputs[:SAMPLE])
        self.strata = {part.name: part for part in strata_of(self.target, payload.inputs, settings)}
        self.labels = payload.labels.numpy()
        self._payload = payload
        self._kept: dict[int, Golden] = {}

    def goldens(self) -> Iterator[tuple[Golden, slice]]:
        """The fault-free run, batch by batch."""
        size = self._payload.settings.batch_size
        for start in range(0, len(self.labels), size):
            part = slice(start, min(start + size, len(self.labels)))
            golden = self._kept.get(start)
            if golden is None:
                golden = run_golden(self.target, self._payload.inputs[part], np.arange(part.start, part.stop))
                if self._payload.keep:
                    self._kept[start] = golden
            yield golden, part


@torch.no_grad()
def _prepare(payload: _Payload) -> _Prepared:
    return _Prepared(payload)


@torch.no_grad()
def _work(ready: _Prepared, task: _Task) -> tuple[_Task, list[Outcome]]:
    """Run some maps: for each batch of images all of them, as the fault-free run serves them all."""
    settings = ready._payload.settings
    sites = ready.strata[task.stratum].sites
    patches = [settings.fault.patch(sites, Draw(settings.seed, task.stratum, number)) for number in task.numbers]
    found = [Outcome(hits=patch.hits) for patch in patches]
    for golden, part in ready.goldens():
        labels = ready.labels[part]
        for index, patch in enumerate(patches):
            faulty = run_faulty(ready.target, golden, patch, settings.shortcuts)
            found[index] += outcome(patch.hits, golden.scores, faulty.scores, faulty.rows, labels)
    return task, found


def strata_of(target: SpikingTarget | OrdinaryTarget, inputs: Tensor, settings: InjectSettings) -> list[Stratum]:
    """The parts that a campaign strikes; `inputs` are its images, whose range is that of pixels."""
    owners = {}
    for piece in target.pieces:
        held = piece.weights
        if held is not None and held.memory not in owners:
            whole = outputs_first(held.op, torch.arange(held.integers.numel()).reshape(held.integers.shape))
            owner = np.empty(held.integers.numel(), np.int64)
            for channel, places in enumerate(whole.flatten(1).numpy()):
                owner[places] = channel
            owners[held.memory] = (held.channels, owner)
    low, high = (float(found) for found in inputs.aminmax())
    sites = replace(target.sites(), input_range=((low,), (high,)))
    return strata(
        sites, settings.fault.strikes, scope=settings.scope, channels=owners, layer=settings.layer, bit=settings.bit
    )


def _run(
    network: Blueprint | Source,
    samples: Prepared,
    settings: InjectSettings,
    campaign: str,
    book: Record,
    progress: Progress,
) -> Injection:
    inputs, labels = _checked(network, samples, settings.fault)
    ready = _prepare(_Payload(network, inputs, labels, settings, keep=False))
    scores, held = [], 0
    with torch.no_grad():
        for golden, _ in ready.goldens():
            scores.append(golden.scores)
            held += _bytes(golden)
    golden_scores = np.concatenate(scores)
    golden = float((classes(golden_scores) == ready.labels).mean())
    count = settings.workers.count or (1 if settings.workers.backend == "loky" else _CLUSTER)
    keep = held * count <= _GOLDEN_BYTES
    payload = _Payload(network, inputs, labels, settings, keep)
    parts = list(ready.strata.values())
    done = _Done(book, campaign, settings, len(labels))
    for step, wanted in enumerate(settings.counts):
        open_ = [part for part in parts if step == 0 or not done.enough(part.name, settings.counts[step - 1])]
        tasks = _tasks(done, open_, wanted, count)
        total = sum(wanted for _ in open_)
        progress("fault maps", total - sum(len(task.numbers) for task in tasks), total, note=done.note(parts))
        for task, found in gather(_prepare, _work, payload, tasks, settings.workers):
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

    def add(self, task: _Task, found: Sequence[Outcome]) -> None:
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


def _tasks(done: _Done, parts: Sequence[Stratum], count: int, workers: int) -> list[_Task]:
    """The maps that are missing, in groups small enough that all workers have some until the end."""
    missing = [(part.name, done.missing(part.name, count)) for part in parts]
    total = sum(len(numbers) for _, numbers in missing)
    size = max(1, min(_MOST_MAPS_A_TASK, math.ceil(total / (_TASKS_A_WORKER * workers))))
    return [
        _Task(name, tuple(numbers[start : start + size]))
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


def _bytes(golden: Golden) -> int:
    held = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for group in (golden.values, golden.reads, golden.products)
        for tensor in group.values()
    }
    return sum(held.values())


def _silent(what: str, done: int, of: int, /, note: str = "") -> None:
    """Tell nobody."""
