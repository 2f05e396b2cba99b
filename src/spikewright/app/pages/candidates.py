"""Candidates of a search and hardened alternatives, as a page shows them, and which candidates no other one beats.

A candidate beats another one if it is nowhere worse in (accuracy, reliability, energy) and somewhere better; those
that none beats are the Pareto front. A figure that was not measured is None, and such a candidate is on no front.
Knows nothing about pages or networks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spikewright.app.pages.fields import Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One candidate of a search; None is what is not known, as a gate before it may have stopped it.

    Attributes:
        name: which one.
        accuracy: without faults, share 0..1.
        energy_joules: of one sample.
        reliability_mean: with its interval.
        passes: whether it passed all gates; None where there were none.
        verdict: how far it came, in words; "" where nobody says.
        beside: accuracy and joules of the trained network that it is compared with.
    """

    name: str
    accuracy: float | None
    energy_joules: float | None
    reliability_mean: float | None
    reliability_low: float | None
    reliability_high: float | None
    passes: bool | None
    verdict: str = ""
    beside: tuple[float, float] | None = None

    @property
    def stands(self) -> bool:
        """Whether no gate refused it."""
        return self.passes is not False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardening:
    """One alternative, by the same fault maps on the same images as what it is compared with.

    Attributes:
        name: what was done.
        accuracy_mean: under faults, share 0..1; None where only the difference is known.
        difference: mean of the paired differences, share −1..1; above 0 is better. `low`, `high`: its interval.
        extra_bits: what it costs in stored bits; None where nobody counted.
    """

    name: str
    accuracy_mean: float | None
    difference: float
    low: float | None
    high: float | None
    extra_bits: int | None


def candidates(raw: Sequence[Any]) -> list[Candidate]:
    """Candidates from plain data.

    Raises:
        BadData: a figure cannot be.
    """
    read = []
    for index, one in enumerate(raw):
        fields = _fields(one, "candidate", index)
        low, high = fields.interval("reliability_low", "reliability_mean", "reliability_high")
        trained = fields.maybe_number("accuracy_ann", most=1.0), fields.maybe_number("energy_joules_ann")
        read.append(
            Candidate(
                name=fields.text("name", f"candidate {index + 1}"),
                accuracy=fields.maybe_number("accuracy", most=1.0),
                energy_joules=fields.maybe_number("energy_joules"),
                reliability_mean=fields.maybe_number("reliability_mean"),
                reliability_low=low,
                reliability_high=high,
                passes=fields.truth("passes"),
                verdict=fields.text("verdict"),
                beside=None if trained[0] is None or trained[1] is None else (trained[0], trained[1]),
            )
        )
    return read


def hardening(raw: Sequence[Any]) -> list[Hardening]:
    """Alternatives from plain data.

    Raises:
        BadData: a figure is missing or cannot be.
    """
    read = []
    for index, one in enumerate(raw):
        fields = _fields(one, "alternative", index)
        low, high = fields.interval("low", "difference", "high")
        read.append(
            Hardening(
                name=fields.text("name", f"alternative {index + 1}"),
                accuracy_mean=fields.maybe_number("accuracy_mean", most=1.0),
                difference=fields.number("difference", least=-1.0, most=1.0),
                low=low,
                high=high,
                extra_bits=fields.count("extra_bits"),
            )
        )
    return read


def renewed(found: Sequence[Candidate], fresh: Sequence[Candidate]) -> list[Candidate]:
    """The candidates with the figures of those of the same name that were measured again."""
    again = {one.name: one for one in fresh}
    return [again.get(one.name, one) for one in found]


def front(found: Sequence[Candidate]) -> list[Candidate]:
    """Those that no other candidate which stands beats; of none that stands, those of all. Order is kept."""
    measured = [one for one in found if None not in (one.accuracy, one.energy_joules, one.reliability_mean)]
    able = [one for one in measured if one.stands] or measured
    return [one for one in able if not any(_beats(other, one) for other in able)]


def _beats(one: Candidate, other: Candidate) -> bool:
    mine, theirs = _merits(one), _merits(other)
    return mine != theirs and all(a >= b for a, b in zip(mine, theirs, strict=True))


def _merits(one: Candidate) -> tuple[float, float, float]:
    """More is better in each."""
    return one.accuracy or 0.0, one.reliability_mean or 0.0, -(one.energy_joules or 0.0)


def _fields(one: Mapping[str, Any], kind: str, index: int) -> Fields:
    named = one.get("name") if isinstance(one, Mapping) else None
    return Fields(raw=one, what=f"{kind} {named or index + 1!r}", way_out="measure it again")
