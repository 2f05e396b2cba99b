"""A fault campaign from names to figures: a run's network, the images of a split, one or several rates, a verdict.

    InjectRequest → campaigns/{name}.jsonl in the run folder, figures
Knows nothing about the command line.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch

from spikewright.ann.source import Source
from spikewright.app.runs import acquire
from spikewright.app.runs.acquire import ImageSettings
from spikewright.app.runs.arithmetic import settle_arithmetic
from spikewright.data import EventData, ImageData
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadFile, BadSetting
from spikewright.interchange import run_folder as folder
from spikewright.measure.samples import Prepared
from spikewright.measure.statistics.decisions import WAYS, Decision
from spikewright.reliability.campaign.hardening import Hints, campaigns_of, harden
from spikewright.reliability.campaign.identity import Campaign, identity
from spikewright.reliability.campaign.inject import inject, rehearse
from spikewright.reliability.campaign.record import Record
from spikewright.reliability.campaign.settings import Injection, InjectSettings
from spikewright.snn.blueprint import Blueprint

Of = Literal["spiking", "source"]
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
    harden: bool = False

    def __post_init__(self) -> None:
        if self.samples is not None and self.samples < 1:
            raise BadSetting(f"inject: --images must be at least 1, got {self.samples}")
        if self.way not in WAYS:
            raise BadSetting(f"inject: no way {self.way!r} to decide: choose one of {', '.join(WAYS)}")
        if not 0 <= self.margin < 1:
            raise BadSetting(f"inject: --margin is {100 * self.margin:g} points: give 0 or more, and below 100")
        if self.against is not None and any(each.scope != "model" or each.layer is not None for each in self.settings):
            raise BadSetting("inject: --against compares whole networks: leave out --scope and --layer")
        acquire.require_split(self.split)


class Side(NamedTuple):
    """A network and its images."""

    network: Blueprint | Source
    samples: Prepared


class Found(NamedTuple):
    """One campaign, and how the network fared against another, or what hardening would buy it."""

    name: str
    data: str
    split: str
    injection: Injection
    against: Injection | None = None
    verdict: Decision | None = None
    difference: float | None = None
    hints: Hints | None = None

    @property
    def about(self) -> dict[str, str]:
        """What it was measured on."""
        return {"name": self.name, "data": self.data, "split": self.split}

    @property
    def parts(self) -> list[dict[str, Any]]:
        """The campaigns on layers and on bits that hardening looked at, as plain data."""
        found = [] if self.hints is None else [self.hints.layers, self.hints.bits]
        return [{**self.about, **each.to_json()} for each in found]

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data."""
        figures = self.injection if self.hints is None else self.hints
        made = {**self.about, **figures.to_json()}
        if self.against is not None and self.verdict is not None:
            made["verdict"] = self.verdict.verdict.value
            made["against"] = {
                **{name: value for name, value in self.against.to_json().items() if name != "rows"},
                "difference_mean": self.difference,
                "difference_low": self.verdict.low,
                "difference_high": self.verdict.high,
                "reason": self.verdict.reason,
            }
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectResult:
    """The campaigns, one for each of the settings."""

    campaigns: tuple[Found, ...]

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data; of several campaigns, as a curve with what they have in common."""
        made = [each.to_json() for each in self.campaigns]
        if len(made) == 1:
            return made[0]
        common = {
            name: value
            for name, value in made[0].items()
            if name not in ("rows", "campaign") and all(each[name] == value for each in made)
        }
        return {**common, "curve": made}


def run(request: InjectRequest, *, on_progress: Progress | None = None) -> InjectResult:
    """Run the campaigns, or what is left of them.

    Raises:
        SpikewrightError: as loading runs and data, `campaign.inject` and `campaign.hardening` do.
    """
    settle_arithmetic()
    on_progress = silent if on_progress is None else on_progress
    networks = [network_of(request.run, request.of)]
    networks += [] if request.against is None else [network_of(request.against, request.against_of)]
    for each in networks:  # before any data is loaded
        for settings in request.settings:
            rehearse(each.network, _blank(each.network), settings)
    own, data, others = _sides(request, networks)
    for side in (own, *others.values()):  # before the first one runs
        for settings in request.settings:
            rehearse(*side, settings)
    with _opened(request, own, others) as book:
        campaigns = _Campaigns(request, own, data, others, book, on_progress)
        one = campaigns.hardened if request.harden else campaigns.compared
        return InjectResult(campaigns=tuple(one(settings) for settings in request.settings))


def _sides(request: InjectRequest, networks: Sequence["RunNetwork"]) -> tuple[Side, str, dict[str, Side]]:
    """The run's network with its images, the name of the data, and what it is compared with."""
    own, data = loaded(networks[0], request)
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
        with _book(run, campaigns_of(*self.own, settings, self.others), self.book) as opened:
            hints = harden(*self.own, settings, others=self.others, record=opened, on_progress=self.on_progress)
        return Found(run.name, self.data, self.request.split, hints.bare, hints=hints)

    def compared(self, settings: InjectSettings) -> Found:
        """With a verdict, where there is another network."""
        bare = self.bare(self.own, settings)
        found = Found(self.request.run.name, self.data, self.request.split, bare)
        for side in self.others.values():
            found = compared(found, self.bare(side, settings), self.request)
        return found

    def bare(self, side: Side, settings: InjectSettings) -> Injection:
        """Of one network alone, in the record of all or in one of its own."""
        with _book(self.request.run, [identity(*side, settings)], self.book) as opened:
            return inject(*side, settings, record=opened, on_progress=self.on_progress)


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
        every += [identity(*side, settings) for side in (own, *others.values())]
        every += campaigns_of(*own, settings, others) if request.harden else []
    return Record.open(request.record, {each.name: each.described for each in every})


def compared(found: Found, theirs: Injection, request: InjectRequest) -> Found:
    """A verdict from maps of the same ids on the same images."""
    mine = found.injection
    ours, baseline = mine.rows[0].accuracies, theirs.rows[0].accuracies
    count = min(len(ours), len(baseline))
    differences = ours[:count] - baseline[:count]
    cap = mine.settings.counts[-1]
    decision = WAYS[request.way].decide(differences, margin=request.margin, level=mine.settings.level, cap=cap)
    return found._replace(against=theirs, verdict=decision, difference=float(differences.mean()))


class RunNetwork(NamedTuple):
    """The network of a run, and what the run says of itself."""

    run: Path
    network: Blueprint | Source
    about: dict[str, Any]


def network_of(run: Path, of: Of | None) -> RunNetwork:
    """A run's network; the spiking one where there is one and nothing else is asked for."""
    of = of or ("spiking" if (run / "plan.json").is_file() else "source")
    network, about = folder.load_blueprint(run) if of == "spiking" else folder.load_source(run)
    return RunNetwork(run, network, about)


def _blank(network: Blueprint | Source) -> Prepared:
    """One input of zeros, for what can be refused without data."""
    shape = network.input_shape if isinstance(network, Source) else network.plan.sample_shape
    return Prepared(torch.zeros(1, *shape), torch.zeros(1, dtype=torch.int64))


def loaded(loaded_run: RunNetwork, request: InjectRequest) -> tuple[Side, str]:
    """A network with the images of the split, prepared as it needs them, and the name of the data."""
    run, network = loaded_run.run, loaded_run.network
    data: ImageData | EventData | None
    if isinstance(network, Blueprint) and acquire.is_spiking_run(run):
        data = acquire.spiking_data(network.plan, loaded_run.about, data=request.data, images=request.images)
    else:
        source, data, _ = acquire.of_run(run, data=request.data, images=request.images)
        network = source if isinstance(network, Source) else network
    if data is None:
        raise BadSetting(f"inject: run {run} does not say what data it was made with: give --data")
    split = acquire.split_of(data, request.split)
    batches = acquire.labelled(split, data, limit=request.samples, batch_size=250)
    if not batches:
        raise BadFile(f"inject: the {request.split} split of {data.name!r} holds no images")
    samples = Prepared(torch.cat([x for x, _ in batches]), torch.cat([labels for _, labels in batches]))
    return Side(network, samples), data.name
