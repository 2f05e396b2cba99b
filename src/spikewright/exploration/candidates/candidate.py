"""One candidate of a search, with all that is known of it and how far it came; plain data."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from spikewright.exploration.figures.fault_free import Baseline, Golden
from spikewright.exploration.gates.cheap import Cheap, Gate
from spikewright.exploration.gates.reliability import Shown
from spikewright.exploration.request.points import Point
from spikewright.measure.statistics.decisions import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A point of the space and what was found of it.

    Attributes:
        point: what it is.
        folder: its run folder, relative to the search's; None where it could not be made.
        golden: figures without faults.
        beside: the trained network with the same bits.
        cheap: how far inside the cheap gates it is.
        shown: what was shown of its reliability; None: not asked.
        failure: why it could not be made, in words.
    """

    point: Point
    folder: str | None = None
    golden: Golden | None = None
    beside: Baseline | None = None
    cheap: Cheap | None = None
    shown: Shown | None = None
    failure: str | None = None

    @property
    def name(self) -> str:
        """The point's name."""
        return self.point.name

    @property
    def stopped_by(self) -> Gate | None:
        """The gate that stopped it; None: it passed, or the last gate was not asked yet."""
        if self.cheap is None:
            return Gate.MADE
        if self.cheap.stopped_by is not None:
            return self.cheap.stopped_by
        return Gate.RELIABILITY if self.shown is not None and self.shown.verdict is not Verdict.PASS else None

    @property
    def passes(self) -> bool:
        """Whether it passed every gate."""
        return self.shown is not None and self.stopped_by is None

    @property
    def verdict(self) -> str:
        """How far it came, in a word or two."""
        if self.passes:
            return "passes"
        if self.cheap is None or self.golden is None:
            return "not made"
        if self.cheap.stopped_by is Gate.ALIVE:
            return f"dead: {', '.join(self.golden.dead_stages)}"
        if self.cheap.stopped_by is not None:
            return f"fails on {self.cheap.stopped_by.value}"
        if self.shown is None:
            return "open"
        return "fails on reliability" if self.shown.verdict is Verdict.FAIL else "reliability not shown"

    @property
    def why(self) -> str:
        """What stopped it, or what it showed, in words."""
        if self.golden is None or self.beside is None or self.cheap is None:
            return self.failure or "not made"
        match self.cheap.stopped_by:
            case Gate.ALIVE:
                return f"dead: no spike from {', '.join(self.golden.dead_stages)}"
            case Gate.ACCURACY:
                return f"accuracy {self.golden.accuracy:.2%}, trained network {self.beside.accuracy:.2%}"
            case Gate.ENERGY:
                return f"energy {self.golden.energy_joules / self.beside.energy_joules:.2f} of the trained network's"
            case _:
                return "reliability not asked" if self.shown is None else self.shown.reason

    def to_json(self) -> dict[str, Any]:
        """The candidate as plain data; what is not known is null."""
        found, beside, worst = self.golden, self.beside, None if self.shown is None else self.shown.worst
        return {
            "name": self.name,
            "settings": self.point.settings,
            "folder": self.folder,
            "passes": self.passes,
            "stopped_by": None if self.stopped_by is None else self.stopped_by.value,
            "verdict": self.verdict,
            "why": self.why,
            "accuracy": None if found is None else found.accuracy,
            "accuracy_ann": None if beside is None else beside.accuracy,
            "energy_joules": None if found is None else found.energy_joules,
            "energy_joules_ann": None if beside is None else beside.energy_joules,
            "energy_ratio": _ratio(found, beside),
            "reliability_mean": None if worst is None else worst.reliability_mean,
            "reliability_low": None if worst is None else worst.reliability_low,
            "reliability_high": None if worst is None else worst.reliability_high,
            "memory_bytes": None if found is None else found.memory_bytes,
            "latency_steps": None if found is None else found.latency_steps,
            "golden": None if found is None else found.to_json(),
            "margins": None if self.cheap is None else asdict(self.cheap),
            "reliability": None if self.shown is None else self.shown.to_json(),
        }


def cheapest(candidates: Sequence[Candidate]) -> Candidate | None:
    """Of those that pass, the one with the least energy; of equals the more accurate, then the first by name."""
    passing = [one for one in candidates if one.passes and one.golden is not None]
    return min(passing, key=_cost, default=None)


def _cost(one: Candidate) -> tuple[float, float, str]:
    assert one.golden is not None
    return one.golden.energy_joules, -one.golden.accuracy, one.name


def _ratio(found: Golden | None, beside: Baseline | None) -> float | None:
    if found is None or beside is None or not found.energy_joules:
        return None
    return beside.energy_joules / found.energy_joules
