"""The cheap gates of a candidate: alive, accurate, frugal; what is dear (reliability) is asked for afterwards only.

    alive:    every stage fires at least once
    accurate: accuracy ≥ that of the trained network − margin
    frugal:   joules < share · joules of the trained network

Source: "Reliability-Aware Hyperparameter Optimization for ANN-to-SNN Conversion", Algorithm 1, lines 16 and 28.
Differs: a margin and a share may be given; the trained network is rounded to the candidate's bits; joules are compared,
not counts of operations; energy comes before reliability, as it is known already, and a gate more or less in front
changes no outcome of the others; a network with a silent stage never passes, however little it takes.
"""

from dataclasses import dataclass
from enum import StrEnum

from spikewright.exploration.figures.fault_free import Baseline, Golden
from spikewright.exploration.request.settings import GateSettings

SAME = 1e-12  # shares that differ by less are equal but for rounding


class Gate(StrEnum):
    """What stops a candidate."""

    MADE = "made"
    ALIVE = "alive"
    ACCURACY = "accuracy"
    ENERGY = "energy"
    RELIABILITY = "reliability"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cheap:
    """How far a candidate is inside each cheap gate: 0 or above passes.

    Attributes:
        alive: 0, or minus the number of dead stages.
        accuracy: share of images above what is asked.
        energy: what is left of the joules allowed, as a share of those of the trained network; 0 exactly is too much.
    """

    alive: float
    accuracy: float
    energy: float

    @property
    def stopped_by(self) -> Gate | None:
        """The first gate that stops it, in the order alive, accuracy, energy."""
        if self.alive < 0:
            return Gate.ALIVE
        if self.accuracy < -SAME:
            return Gate.ACCURACY
        return Gate.ENERGY if self.energy <= 0 else None


def cheap(found: Golden, beside: Baseline, gates: GateSettings) -> Cheap:
    """Judge a candidate's figures beside those of the trained network."""
    return Cheap(
        alive=-float(len(found.dead_stages)),
        accuracy=found.accuracy - beside.accuracy + gates.accuracy_margin / 100,
        energy=gates.energy_share - found.energy_joules / beside.energy_joules,
    )
