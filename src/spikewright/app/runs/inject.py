"""A fault campaign from names to figures: a run's network, the images of a split, one or several rates, a verdict.

    InjectRequest → campaigns/{name}.jsonl in the run folder, figures
Knows nothing about the command line.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import torch

from spikewright.ann.source import Source
from spikewright.app.runs import acquire
from spikewright.app.runs.acquire import ImageSettings
from spikewright.app.runs.arithmetic import settle_arithmetic
from spikewright.app.runs.campaign_result import Against, Found, InjectResult
from spikewright.app.runs.provenance import Of, Traced, traced
from spikewright.data import EventData, ImageData
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadFile, BadSetting
from spikewright.interchange import run_folder as folder
from spikewright.interchange.placing import has_file
from spikewright.measure.samples import Prepared
from spikewright.measure.statistics.decisions import WAYS
from spikewright.reliability.campaign.hardening import campaigns_of, harden
from spikewright.reliability.campaign.identity import Campaign, identity
from spikewright.reliability.campaign.inject import inject, rehearse
from spikewright.reliability.campaign.one_output import reading
from spikewright.reliability.campaign.record import Record
from spikewright.reliability.campaign.requirements import Met, Requirement, Requirements
from spikewright.reliability.campaign.settings import Injection, InjectSettings
from spikewright.reliability.campaign.strata import Scope
from spikewright.reliability.workers.pool import reach
from spikewright.snn.blueprint import Blueprint

CAMPAIGNS = "campaigns"  # folder of a run for records that are given no name


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectRequest:
    """What to strike, how often, and what to compare with.

    Attributes:
        run: folder of a network, spiking or ordinary.
        settings: one campaign for each.
        of: strike the run's `spiking` network or its `source`; None: the spiking one where there is one.
        data: None takes the run's.
        split: validation or test.
        samples: images of it, the first ones; None: all.
        record: file of the maps; None: one in the run folder.
        against: run to compare with, map by map.
        against_of: as `of`.
        margin: so much worse is still no worse, a share.
        way: how a verdict is come to: normal or strict.
        required: what the network has to reach under faults, in every part that is struck.
        harden: look for what hardening would buy; `against` is one of the alternatives then.

    Raises:
        BadSetting: a number outside its range, an unknown way, or a comparison part by part.
    """

    run: Path
    settings: tuple[InjectSettings, ...]
    of: Of | None = None
    data: str | None = None
    split: str = "test"
    samples: int | None = 2000
    images: ImageSettings = field(default_factory=ImageSettings)
    record: Path | None = None
    against: Path | None = None
    against_of: Of | None = None
    margin: float = 0.0
    way: str = "normal"
    required: tuple[Requirement, ...] = ()
    harden: bool = False
    output: str | None = None

    def __post_init__(self) -> None:
        if self.samples is not None and self.samples < 1:
            raise BadSetting(f"inject: --images must be at least 1, got {self.samples}")
        if self.way not in WAYS:
            raise BadSetting(f"inject: no way {self.way!r} to decide: choose one of {', '.join(WAYS)}")
        if not 0 <= self.margin < 1:
            raise BadSetting(f"inject: --margin is {100 * self.margin:g} points: give 0 or more, and below 100")
        if self.against is not None and any(each.scope != "model" or each.layer is not None for each in self.settings):
            raise BadSetting("inject: --against compares whole networks: leave out --scope and --layer")
        if not self.settings:
            raise BadSetting("inject: there is no campaign to run: give one fault at least")
        acquire.require_split(self.split)


class Side(NamedTuple):
    """A network and its images, and which they are."""

    network: Blueprint | Source
    samples: Prepared
    traced: Traced

    @property
    def both(self) -> tuple[Blueprint | Source, Prepared]:
        """What a campaign takes."""
        return self.network, self.samples


def run(request: InjectRequest, *, on_progress: Progress | None = None) -> InjectResult:
    """Run the campaigns, or what is left of them.

    Raises:
        SpikewrightError: as loading runs and data, `campaign.inject` and `campaign.hardening` do.
    """
    settle_arithmetic()
    on_progress = silent if on_progress is None else on_progress
    networks = [network_of(request.run, request.of, request.output)]
    if request.against is not None:
        networks.append(network_of(request.against, request.against_of, request.output))
    for each in networks:  # before any data is loaded
        for settings in _every(request):
            rehearse(each.network, blank(each.network), settings)
    for workers in {settings.workers for settings in request.settings}:  # and before anything is written
        reach(workers)
    own, data, others = _sides(request, networks, on_progress)
    for side in (own, *others.values()):  # before the first one runs
        for settings in _every(request):
            rehearse(*side.both, settings)
    with _opened(request, own, others) as book:
        campaigns = _Campaigns(request, own, data, others, book, on_progress)
        one = campaigns.hardened if request.harden else campaigns.compared
        return InjectResult(campaigns=tuple(one(settings) for settings in request.settings))


def _every(request: InjectRequest) -> list[InjectSettings]:
    """The campaigns, and those on parts that hardening runs besides."""
    parts: tuple[Scope, ...] = ("layer", "bit")
    hardened = [one for one in request.settings if request.harden and one.fault.targets == "weights"]
    return [*request.settings, *(replace(one, scope=part) for one in hardened for part in parts)]


def _sides(
    request: InjectRequest, networks: Sequence["RunNetwork"], on_progress: Progress
) -> tuple[Side, str, dict[str, Side]]:
    """The run's network with its images, the name of the data, and what it is compared with."""
    own, data = loaded(networks[0], request, on_progress=on_progress)
    others: dict[str, Side] = {}
    for each in networks[1:]:
        other, name = loaded(each, request)
        if name != data or not torch.equal(other.samples.labels, own.samples.labels):
            raise BadSetting(f"inject: {request.run} is for {data}, {each.run} for {name}: compare on the same images")
        others[str(each.run)] = other
    return own, data, others


class _Campaigns(NamedTuple):
    """What all campaigns of a request share; each of its methods runs one."""

    request: InjectRequest
    own: Side
    data: str
    others: Mapping[str, Side]
    book: Record | None
    on_progress: Progress

    def hardened(self, settings: InjectSettings) -> Found:
        """With what hardening would buy."""
        run = self.request.run
        others = {name: side.both for name, side in self.others.items()}
        with _book(run, campaigns_of(*self.own.both, settings, others), self.book) as opened:
            hints = harden(*self.own.both, settings, others=others, record=opened, on_progress=self.on_progress)
        return self._found(hints.bare)._replace(hints=hints)

    def compared(self, settings: InjectSettings) -> Found:
        """With a verdict, where there is another network."""
        found = self._found(self.bare(self.own, settings))
        for side in self.others.values():
            against = compared(found.injection, self.bare(side, settings), self.request, side.traced)
            found = found._replace(compared=against)
        return found

    def _found(self, injection: Injection) -> Found:
        """What a campaign found, and whether that is what is required."""
        request = self.request
        met = met_of(injection, request)
        return Found(self.data, request.split, self.own.traced, injection, met=met, way=request.way)

    def bare(self, side: Side, settings: InjectSettings) -> Injection:
        """Of one network alone, in the record of all or in one of its own."""
        with _book(self.request.run, [identity(*side.both, settings)], self.book) as opened:
            return inject(*side.both, settings, record=opened, on_progress=self.on_progress)


@contextlib.contextmanager
def _book(run: Path, campaigns: Sequence[Campaign], book: Record | None) -> Iterator[Record]:
    """The record of all, or else one of these campaigns in the run folder, named by the first."""
    if book is not None:
        yield book
        return
    described = {each.name: each.described for each in campaigns}
    kind = "" if len(described) == 1 else "_hardening"
    with Record.open(run / CAMPAIGNS / f"{campaigns[0].name}{kind}.jsonl", described) as opened:
        yield opened


def _opened(request: InjectRequest, own: Side, others: Mapping[str, Side]) -> contextlib.AbstractContextManager[Any]:
    """The record that is asked for, of all campaigns; None where none is."""
    if request.record is None:
        return contextlib.nullcontext()
    every: list[Campaign] = []
    for settings in request.settings:
        every += [identity(*side.both, settings) for side in (own, *others.values())]
        rivals = {name: side.both for name, side in others.items()}
        every += campaigns_of(*own.both, settings, rivals) if request.harden else []
    return Record.open(request.record, {each.name: each.described for each in every})


def compared(mine: Injection, theirs: Injection, request: InjectRequest, which: Traced) -> Against:
    """A verdict from maps of the same ids on the same images."""
    ours, baseline = mine.rows[0].accuracies, theirs.rows[0].accuracies
    count = min(len(ours), len(baseline))
    differences = ours[:count] - baseline[:count]
    cap = mine.settings.counts[-1]
    decision = WAYS[request.way].decide(differences, margin=request.margin, level=mine.settings.level, cap=cap)
    return Against(theirs, decision, float(differences.mean()), request.margin, request.way, which)


def met_of(found: Injection, request: InjectRequest) -> tuple[Met, ...]:
    """Whether what is required holds, part by part."""
    settings = found.settings
    asked = Requirements(all_of=request.required, way=WAYS[request.way], cap=settings.counts[-1], level=settings.level)
    return asked.of(found.rows)


class RunNetwork(NamedTuple):
    """The network of a run, and what the run says of itself."""

    run: Path
    of: Of
    network: Blueprint | Source
    about: dict[str, Any]


def network_of(run: Path, of: Of | None, output: str | None = None) -> RunNetwork:
    """A run's network; the spiking one where there is one and nothing else is asked for. Of several outputs one."""
    of = of or ("spiking" if has_file(run, "plan.json") else "source")
    network, about = folder.load_blueprint(run) if of == "spiking" else folder.load_source(run)
    return RunNetwork(run, of, reading(network, output), about)


def blank(network: Blueprint | Source) -> Prepared:
    """One input of zeros, for what can be refused without data."""
    shape = network.input_shape if isinstance(network, Source) else network.plan.sample_shape
    return Prepared(torch.zeros(1, *shape), torch.zeros(1, dtype=torch.int64))


def loaded(loaded_run: RunNetwork, request: InjectRequest, *, on_progress: Progress = silent) -> tuple[Side, str]:
    """A network with the images of the split, prepared as it needs them, and the name of the data."""
    run, network = loaded_run.run, loaded_run.network
    data: ImageData | EventData | None
    if isinstance(network, Blueprint) and acquire.is_spiking_run(run):
        data = acquire.spiking_data(
            run, network.plan, loaded_run.about, data=request.data, images=request.images, on_progress=on_progress
        )
    else:
        source, data, _ = acquire.of_run(run, data=request.data, images=request.images)
        network = reading(source, request.output) if isinstance(network, Source) else network
    if data is None:
        raise BadSetting(f"inject: run {run} does not say what data it was made with: give --data")
    split = acquire.split_of(data, request.split)
    batches = acquire.labelled(split, data, limit=request.samples, batch_size=250)
    if not batches:
        raise BadFile(f"inject: the {request.split} split of {data.name!r} holds no images")
    samples = Prepared(torch.cat([x for x, _ in batches]), torch.cat([labels for _, labels in batches]))
    return Side(network, samples, traced(run, loaded_run.of, samples)), data.name
