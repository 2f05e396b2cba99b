"""A fault campaign from names to figures: a run's network, the images of a split, one or several rates, a verdict.

    InjectRequest → campaigns/{name}.jsonl in the run folder, figures
Knows nothing about the command line.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch

from spikewright import folder, names
from spikewright.blueprint import Blueprint
from spikewright.campaigns.identity import identity
from spikewright.campaigns.inject import Progress, checked, inject
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

    def __post_init__(self) -> None:
        if self.samples is not None and self.samples < 1:
            raise BadSetting(f"inject: --images must be at least 1, got {self.samples}")
        if self.way not in WAYS:
            raise BadSetting(f"inject: no way {self.way!r} to decide: choose one of {', '.join(WAYS)}")
        if not 0 <= self.margin < 1:
            raise BadSetting(f"inject: --margin is {100 * self.margin:g} points: give 0 or more, and below 100")
        if self.against is not None and any(each.scope != "model" or each.layer is not None for each in self.settings):
            raise BadSetting("inject: --against compares whole networks: leave out --scope and --layer")


class Side(NamedTuple):
    """A network and its images."""

    network: Blueprint | Source
    samples: Prepared


class Found(NamedTuple):
    """One campaign, and how the network fared against another."""

    injection: Injection
    against: Injection | None = None
    verdict: Decision | None = None
    difference: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data."""
        made = self.injection.to_json()
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


def run_inject(request: InjectRequest, *, progress: Progress | None = None) -> tuple[Found, ...]:
    """Run the campaigns, or what is left of them; one result for each of the settings.

    Raises:
        SpikewrightError: as loading runs and data, and `campaigns.inject`, do.
    """
    sides = [loaded(request.run, request)]
    if request.against is not None:
        sides.append(loaded(request.against, replace(request, of=request.against_of)))
        if not torch.equal(sides[0].samples.labels, sides[1].samples.labels):
            raise BadSetting("inject: --against was made for other data: both networks need the same images")
    for side in sides:  # before the first one runs
        for settings in request.settings:
            checked(*side, settings.fault)
    with contextlib.ExitStack() as stack:
        book = None if request.record is None else stack.enter_context(_opened(request.record, sides, request.settings))
        found = []
        for settings in request.settings:
            made = [
                inject(*side, settings, record=book or _record(request.run, *side, settings), progress=progress)
                for side in sides
            ]
            found.append(Found(made[0]) if len(made) == 1 else compared(made[0], made[1], request))
    return tuple(found)


def _opened(path: Path, sides: Sequence[Side], every: Sequence[InjectSettings]) -> Record:
    """One record of all campaigns."""
    campaigns = [identity(*side, settings) for side in sides for settings in every]
    return Record.open(path, {each.name: each.described for each in campaigns})


def _record(run: Path, network: Blueprint | Source, samples: Prepared, settings: InjectSettings) -> Path:
    """A record of one campaign, under its own name in the run folder."""
    return run / CAMPAIGNS / f"{identity(network, samples, settings).name}.jsonl"


def compared(mine: Injection, theirs: Injection, request: InjectRequest) -> Found:
    """A verdict from maps of the same ids on the same images."""
    ours, baseline = mine.rows[0].accuracies, theirs.rows[0].accuracies
    count = min(len(ours), len(baseline))
    differences = ours[:count] - baseline[:count]
    cap = mine.settings.counts[-1]
    decision = WAYS[request.way].decide(differences, margin=request.margin, level=mine.settings.level, cap=cap)
    return Found(mine, theirs, decision, float(differences.mean()))


def loaded(run: Path, request: InjectRequest) -> Side:
    """A run's network and the images of the split, prepared as it needs them."""
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
    return Side(network, Prepared(torch.cat([x for x, _ in batches]), torch.cat([labels for _, labels in batches])))


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
