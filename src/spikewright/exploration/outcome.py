"""What a search came to: every candidate, those that pass, the one with the least energy, and how it does on test."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spikewright.exploration.candidates.candidate import Candidate, cheapest
from spikewright.exploration.figures.fault_free import Baseline, Golden
from spikewright.exploration.gates.cheap import Gate
from spikewright.exploration.gates.reliability import Shown

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OnTest:
    """The chosen candidate on the test split, with fault maps of its own; read once, chosen by nothing."""

    name: str
    golden: Golden
    beside: Baseline
    shown: Shown

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data."""
        worst = self.shown.worst
        return {
            "name": self.name,
            "accuracy": self.golden.accuracy,
            "accuracy_ann": self.beside.accuracy,
            "energy_joules": self.golden.energy_joules,
            "energy_joules_ann": self.beside.energy_joules,
            "reliability_mean": worst.reliability_mean,
            "reliability_low": worst.reliability_low,
            "reliability_high": worst.reliability_high,
            "golden": self.golden.to_json(),
            "reliability": self.shown.to_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A search, whole or so far.

    Attributes:
        candidates: all that were tried.
        front: of a sampled search, its Pareto front with the figures of fresh maps; None for a grid.
        on_test: the chosen one on the test split, as plain data; None before it was chosen.
    """

    candidates: tuple[Candidate, ...]
    front: tuple[Candidate, ...] | None = None
    on_test: dict[str, Any] | None = None

    @property
    def passing(self) -> tuple[Candidate, ...]:
        """Those that pass: all of a grid, or of the front, those that fresh maps confirm."""
        return tuple(one for one in (self.candidates if self.front is None else self.front) if one.passes)

    @property
    def chosen(self) -> Candidate | None:
        """Of those, the one with the least energy."""
        return cheapest(self.passing)

    @property
    def line(self) -> str:
        """How it came out, in one line for a person."""
        tried, chosen = len(self.candidates), self.chosen
        if chosen is None:
            return f"none of {tried} passes ({stops(self.candidates, self.front)}): {_WAY_OUT}"
        assert chosen.golden is not None
        assert chosen.beside is not None
        where = "" if self.front is None else " on the front, confirmed with fresh fault maps"
        times = chosen.beside.energy_joules / chosen.golden.energy_joules if chosen.golden.energy_joules else None
        less = "no energy at all" if times is None else f"{times:.1f}× less energy than the trained network"
        return (
            f"{len(self.passing)} of {tried} pass{where}; least energy: {chosen.name}, {less}, accuracy "
            f"{chosen.golden.accuracy:.2%} ({chosen.beside.accuracy:.2%}) on validation, {chosen.why}"
        )

    def to_json(self) -> dict[str, Any]:
        """The outcome as plain data."""
        beside = {one.beside.bits: one.beside.to_json() for one in self.candidates if one.beside is not None}
        return {
            "passing": [one.name for one in self.passing],
            "chosen": None if self.chosen is None else self.chosen.name,
            "line": self.line,
            "trained_network": [beside[bits] for bits in sorted(beside)],
            "candidates": [one.to_json() for one in self.candidates],
            "front": None if self.front is None else [one.to_json() for one in self.front],
            "test": self.on_test,
        }


_WAY_OUT = "widen the lists of [space] or set [widen] rounds, or allow a margin under [gates]"
_STOPS = {
    Gate.MADE: "could not be made",
    Gate.ALIVE: "dead",
    Gate.ACCURACY: "stopped by accuracy",
    Gate.ENERGY: "stopped by energy",
    Gate.RELIABILITY: "not shown to be as reliable",
}


def stops(candidates: Sequence[Candidate], front: Sequence[Candidate] | None = None) -> str:
    """How many were stopped by what, in words."""
    counts = Counter(one.stopped_by for one in candidates)
    parts = [f"{counts[gate]} {words}" for gate, words in _STOPS.items() if counts[gate]]
    if front:
        parts.append(f"{sum(not one.passes for one in front)} of {len(front)} on the front not confirmed by fresh maps")
    return ", ".join(parts) or "nothing was tried"
