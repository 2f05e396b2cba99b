"""What hardening would buy: the same campaign with weights protected, or in another network, map by map.

Each alternative meets the maps of the bare network, by their ids, on the same images; what it buys is the mean of the
paired differences, with an interval over maps. Which layers and bits matter most is told by what striking them alone
costs. Intervals are at the level of each comparison; several are looked at, and the best of them looks too good.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spikewright.ann.source import Source
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadSetting
from spikewright.measure.samples import Prepared
from spikewright.measure.statistics.intervals import Interval, t_interval
from spikewright.reliability.campaign.identity import Campaign, identity
from spikewright.reliability.campaign.inject import inject
from spikewright.reliability.campaign.protection import Protection
from spikewright.reliability.campaign.record import Record
from spikewright.reliability.campaign.settings import Injection, InjectSettings
from spikewright.snn.blueprint import Blueprint

Others = Mapping[str, tuple[Blueprint | Source, Prepared]]
ALTERNATIVES = (
    Protection(clip=True),
    Protection(ecc=1),
    Protection(ecc=2),
    Protection(ecc=3),
    Protection(ecc=1, clip=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardened:
    """One alternative.

    Attributes:
        name: in words.
        accuracy_golden: without faults.
        accuracy_mean: under them.
        difference: mean of what it is better by than the bare network, a share, map by map.
        interval: of that mean.
        extra_bits: memory that it takes besides; None for another network.
    """

    name: str
    accuracy_golden: float
    accuracy_mean: float
    difference: float
    interval: Interval
    extra_bits: int | None

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data."""
        return {
            "name": self.name,
            "accuracy_golden": self.accuracy_golden,
            "accuracy_mean": self.accuracy_mean,
            "difference": self.difference,
            "low": self.interval.low,
            "high": self.interval.high,
            "extra_bits": self.extra_bits,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hints:
    """What was found: the bare network, which layers and bits matter, and the alternatives."""

    bare: Injection
    layers: Injection
    bits: Injection
    alternatives: tuple[Hardened, ...]

    def to_json(self) -> dict[str, Any]:
        """The bare campaign's figures, with `hardening`, and the campaigns on layers and on bits."""
        return {
            **self.bare.to_json(),
            "hardening": [each.to_json() for each in self.alternatives],
            "layers": self.layers.to_json(),
            "bits": self.bits.to_json(),
        }


def campaigns_of(
    network: Blueprint | Source, samples: Prepared, settings: InjectSettings, others: Others
) -> list[Campaign]:
    """All campaigns that `harden` runs, for a record to be opened with.

    Raises:
        BadSetting: a fault that does not strike weights, or part by part.
    """
    if settings.fault.targets != "weights":
        raise BadSetting(f"hardening is about stored weights, and fault {settings.fault.kind!r} does not strike them")
    if settings.scope != "model":
        raise BadSetting("hardening strikes the whole network, then its layers and bits: leave out --scope")
    every = [identity(network, samples, replace(settings, protection=each)) for each in (None, *ALTERNATIVES)]
    return every + [identity(*other, settings) for other in others.values()]


def harden(
    network: Blueprint | Source,
    samples: Prepared,
    settings: InjectSettings,
    *,
    others: Others | None = None,
    record: Path | Record | None = None,
    on_progress: Progress = silent,
) -> Hints:
    """Run the campaign bare, part by part, and with each alternative.

    Args:
        network: the bare one.
        samples: images and labels.
        settings: the campaign, model-wise.
        others: further networks by name, to choose in its place, each with the same images as it takes them.
        record: as of `inject`; of all these campaigns, if it is a file.
        on_progress: as of `inject`.

    Raises:
        BadSetting, BadData, BadModel, BadFile: as `inject` and `campaigns_of`.
    """
    others = others or {}
    every = campaigns_of(network, samples, settings, others)
    if not isinstance(record, Record):
        with Record.open(record, {each.name: each.described for each in every}) as book:
            return harden(network, samples, settings, others=others, record=book, on_progress=on_progress)

    def run(faulty: Blueprint | Source, images: Prepared = samples, **changed: Any) -> Injection:
        return inject(faulty, images, replace(settings, **changed), record=record, on_progress=on_progress)

    bare, layers, bits = run(network), run(network, scope="layer"), run(network, scope="bit")
    return Hints(bare=bare, layers=layers, bits=bits, alternatives=_alternatives(run, network, others, bare))


def _alternatives(
    run: Callable[..., Injection], network: Blueprint | Source, others: Others, bare: Injection
) -> tuple[Hardened, ...]:
    """The network with each protection, then the other networks, each beside the bare one."""
    found: list[Hardened] = []
    for each in ALTERNATIVES:
        made = run(network, protection=each)
        found.append(_compared(each.name, made, bare, each.extra_bits(made.sites)))
    for name, other in others.items():
        found.append(_compared(name, run(*other), bare, None))
    return tuple(found)


def _compared(name: str, made: Injection, bare: Injection, extra_bits: int | None) -> Hardened:
    ours, theirs = made.rows[0].accuracies, bare.rows[0].accuracies
    count = min(len(ours), len(theirs))
    differences = ours[:count] - theirs[:count]
    return Hardened(
        name=name,
        accuracy_golden=made.accuracy_golden,
        accuracy_mean=made.rows[0].accuracy_mean,
        difference=float(differences.mean()),
        interval=t_interval(differences, level=bare.settings.level, bounds=(-1.0, 1.0)),
        extra_bits=extra_bits,
    )


def most_critical(rows: Injection, count: int = 3) -> Sequence[str]:
    """The parts whose faults cost most, worst first, where the interval shows that they cost anything."""
    worst = sorted(rows.rows, key=lambda row: row.accuracy_mean)
    return [row.stratum for row in worst if row.accuracy.high < row.accuracy_golden][:count]
