"""A fault campaign from names to figures: a run's network, the images of a split, one or several rates, a verdict.

    InjectRequest → campaigns/{name}.jsonl in the run folder, figures
Knows nothing about the command line.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch

from spikewright import folder, names
from spikewright.blueprint import Blueprint
from spikewright.campaigns.hardening import Hints, campaigns_of, harden
from spikewright.campaigns.identity import Campaign, identity
from spikewright.campaigns.inject import Progress, inject
from spikewright.campaigns.record import Record
from spikewright.campaigns.settings import Injection, InjectSettings
from spikewright.data import EventData, ImageData
from spikewright.errors import BadFile, BadSetting
from spikewright.evidence.decisions import WAYS, Decision
from spikewright.faults import Fault
from spikewright.runs import acquire
from spikewright.runs.acquire import ImageSettings
from spikewright.samples import Prepared
from spikewright.source import Source

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
    of: Literal["spiking", "source"] | None = None
    data: str | None = None
    split: str = "test"
    samples: int | None = 2000
    images: ImageSettings = field(default_factory=ImageSettings)
    record: Path | None = None
    against: Path | None = None
    against_of: Literal["spiking", "source"] | None = None
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


def run_inject(
    request: InjectRequest, *, progress: Progress | None = None, notice: Callable[[str], None] | None = None
) -> tuple[Found, ...]:
    """Run the campaigns, or what is left of them; one result for each of the settings.

    Raises:
        SpikewrightError: as loading runs and data, `campaigns.inject` and `campaigns.hardening` do.
    """
    network, samples, data = loaded(request.run, request)
    others: dict[str, tuple[Blueprint | Source, Prepared]] = {}
    if request.against is not None:
        other, theirs, name = loaded(request.against, replace(request, of=request.against_of))
        if name != data or not torch.equal(theirs.labels, samples.labels):
            raise BadSetting(
                f"inject: {request.against} takes {name}, {request.run} takes {data}: both need one data set"
            )
        others[str(request.against)] = (other, theirs)
    telling: dict[str, Any] = {"progress": progress, "notice": notice}
    every: list[Campaign] = []
    for settings in request.settings:
        if request.harden:
            every += campaigns_of(network, samples, settings, others)
        else:
            every += [identity(*each, settings) for each in ((network, samples), *others.values())]
    found = []
    with opened(request, every) as book:
        for settings in request.settings:
            if request.harden:
                hints = harden(network, samples, settings, others=others, record=book, **telling)
                found.append(Found(request.run.name, data, request.split, hints.bare, hints=hints))
                continue
            mine = inject(network, samples, settings, record=book, **telling)
            made = Found(request.run.name, data, request.split, mine)
            for each in others.values():
                made = compared(made, inject(*each, settings, record=book, **telling), request)
            found.append(made)
    return tuple(found)


def compared(found: Found, theirs: Injection, request: InjectRequest) -> Found:
    """A verdict from maps of the same ids on the same images."""
    mine = found.injection
    ours, baseline = mine.rows[0].accuracies, theirs.rows[0].accuracies
    count = min(len(ours), len(baseline))
    differences = ours[:count] - baseline[:count]
    cap = mine.settings.counts[-1]
    decision = WAYS[request.way].decide(differences, margin=request.margin, level=mine.settings.level, cap=cap)
    return found._replace(against=theirs, verdict=decision, difference=float(differences.mean()))


def opened(request: InjectRequest, campaigns: Sequence[Campaign]) -> Record:
    """The record of these campaigns: the file that is asked for, or one in the run folder that is theirs alone."""
    described = {each.name: each.described for each in campaigns}
    path = request.record or request.run / CAMPAIGNS / f"{'-'.join(sorted(described))[:100]}.jsonl"
    return Record.open(path, described)


def loaded(run: Path, request: InjectRequest) -> tuple[Blueprint | Source, Prepared, str]:
    """A run's network, the images of the split, prepared as it needs them, and the name of the data."""
    has_plan = (run / "plan.json").is_file()
    of = request.of or ("spiking" if has_plan else "source")
    data: ImageData | EventData | None
    if of == "spiking":
        network, about = folder.load_blueprint(run)
        if acquire.is_spiking_run(run):
            data = acquire.spiking_data(about, data=request.data, images=request.images)
        else:
            _, data, _ = acquire.of_run(run, data=request.data, images=request.images)
    else:
        network, data, _ = acquire.of_run(run, data=request.data, images=request.images)
    if data is None:
        raise BadSetting(f"inject: run {run} does not say what data it was made with: give --data")
    split = acquire.split_of(data, request.split)
    batches = acquire.labelled(split, data, limit=request.samples, batch_size=250)
    if not batches:
        raise BadFile(f"inject: the {request.split} split of {data.name!r} holds no images")
    samples = Prepared(torch.cat([x for x, _ in batches]), torch.cat([labels for _, labels in batches]))
    return network, samples, data.name


def fault_of(kind: str, settings: dict[str, str], ber: float | None) -> Fault:
    """A fault by its name, its settings as text, and its rate, which is `ber` or `rate` in it.

    Raises:
        BadSetting: as `names.find` and `names.configure` do; a rate where the kind has none.
    """
    cls = names.find("faults", kind)
    given: dict[str, Any] = dict(settings)
    if ber is not None:
        known = {each.name for each in fields(cls)}
        name = next((name for name in ("ber", "rate") if name in known), None)
        if name is None:
            raise BadSetting(
                f"fault {kind!r} has no rate: leave out --ber; its settings are {', '.join(sorted(known))}"
            )
        if name in given:
            raise BadSetting(f"fault {kind!r}: --ber and --set {name}= say the same: leave out one")
        given[name] = ber
    return names.configure(cls, given)
