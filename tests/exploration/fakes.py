"""A bench without networks: figures and fault maps are functions of the point, and each is written down when made."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from spikewright.exploration.candidates.candidate import Candidate
from spikewright.exploration.figures.fault_free import Baseline, Golden
from spikewright.exploration.figures.under_faults import FaultyAccuracies
from spikewright.exploration.gates.cheap import cheap
from spikewright.exploration.gates.reliability import Ask, Plan
from spikewright.exploration.request.points import Point, Trained
from spikewright.exploration.request.settings import (
    FaultSettings,
    GateSettings,
    NetworkSettings,
    SampleSettings,
    SearchSettings,
    WidenSettings,
)
from spikewright.exploration.request.space import Space, TrainedSpace
from spikewright.measure.statistics.decisions import WAYS

ANN = Baseline(bits=8, accuracy=0.9, energy_joules=100.0)
SPACE = TrainedSpace(timesteps=(2, 4, 8, 16), thresholds=(0.5, 1.0, 2.0, 500.0))


def settings(
    out: Path,
    *,
    space: Space = SPACE,
    gates: GateSettings | None = None,
    optuna: SampleSettings | None = None,
    widen: WidenSettings | None = None,
    ber: tuple[float, ...] = (1e-2,),
    cap: int = 256,
) -> SearchSettings:
    return SearchSettings(
        kind="train",
        network=NetworkSettings(run=out / "ann"),
        out=out,
        space=space,
        gates=gates or GateSettings(accuracy_margin=3, reliability_margin=1),
        faults=FaultSettings(ber=ber, maps=100, cap=cap, images=100),
        widen=widen or WidenSettings(),
        optuna=optuna,
    )


@dataclass
class FakeMaker:
    def possible(self, points: Sequence[Point]) -> list[Point]:
        return list(points)


@dataclass
class FakeBench:
    """What grids and samplers need of a bench; `log` says in which order candidates were made and struck."""

    settings: SearchSettings
    log: Path | None = None
    maker: FakeMaker = field(default_factory=FakeMaker)
    failing: tuple[str, ...] = ()

    def note(self, words: str) -> None:
        if self.log is not None:
            with self.log.open("a") as file:
                file.write(words + "\n")

    def candidate(self, point: Point, *, on_progress: Any = None) -> Candidate:
        self.note(f"made {point.name}")
        if point.name in self.failing:
            return Candidate(point=point, failure="it cannot be")
        found = golden_of(point)
        labelled = cheap(found, ANN, self.settings.gates)
        return Candidate(point=point, folder=point.name, golden=found, beside=ANN, cheap=labelled)

    def plan(self, alpha: float) -> Plan:
        gates, faults = self.settings.gates, self.settings.faults
        return Plan(
            rates=faults.ber, margin=gates.reliability_margin / 100, way=WAYS[gates.way], alpha=alpha,
            maps=faults.maps, cap=faults.cap,
        )  # fmt: skip

    def asking(self, points: dict[str, Point], *, seed: int, split: str = "validation", on_progress: Any = None) -> Ask:
        def ask(name: str, ber: float, maps: int) -> tuple[FaultyAccuracies, FaultyAccuracies]:
            self.note(f"struck {name} {seed}")
            return struck_of(points[name], ber, maps, seed), faulty_ann(ber, maps, seed)

        return ask


def golden_of(point: Point) -> Golden:
    """More steps are more accurate and dearer, thresholds the other way round; above 100 nothing fires."""
    assert isinstance(point, Trained)
    leaky = 0.0 if point.leak is None else 0.01
    return Golden(
        accuracy=round(0.93 - 0.1 / point.timesteps - 0.02 * abs(point.threshold - 1.0) - leaky, 6),
        energy_joules=8.0 * point.timesteps / point.threshold,
        weight_bytes=100 * point.bits,
        membrane_bytes_peak=40,
        latency_steps=point.timesteps,
        timesteps_mean=float(point.timesteps),
        spikes_per_neuron=0.5,
        dead_stages=("fc1",) if point.threshold > 100 else (),
        images=1000,
    )


def struck_of(point: Point, ber: float, maps: int, seed: int) -> FaultyAccuracies:
    """Thresholds make reliable, but more steps do not; the first maps of many are those of few."""
    assert isinstance(point, Trained)
    golden = golden_of(point).accuracy
    mean = 0.8 + 0.1 * min(point.threshold, 2.0) - 0.004 * point.timesteps
    noise = np.random.default_rng([seed, point.timesteps, int(1000 * point.threshold)]).normal(0, 0.01, 2000)
    return FaultyAccuracies(golden, golden * np.clip(mean - ber + noise, 0, 1)[:maps])


def faulty_ann(ber: float, maps: int, seed: int) -> FaultyAccuracies:
    noise = np.random.default_rng([seed, 1]).normal(0, 0.01, 2000)
    return FaultyAccuracies(ANN.accuracy, ANN.accuracy * np.clip(0.9 - ber + noise, 0, 1)[:maps])
