"""What the scripts on conversion methods share: a trained run with its data, and the accuracy of a network on it."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from spikewright.ann.source import Source
from spikewright.app.runs import acquire
from spikewright.app.runs.acquire import ImageSettings
from spikewright.conversion import convert as conversion
from spikewright.conversion.calibrators import Calibrator
from spikewright.conversion.methods import Method
from spikewright.conversion.observe import Statistics, observe
from spikewright.engines.network import build
from spikewright.measure.scoring import Score, accuracy_of_source, score
from spikewright.snn.blueprint import Blueprint

Labelled = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """A trained source, images to calibrate on, and images to judge by."""

    source: Source
    calibration: list[Tensor]
    statistics: Statistics
    labelled: Labelled
    accuracy_source: float

    def convert(self, method: Method, *calibrators: Calibrator) -> Blueprint:
        """The source's conversion by a method."""
        return conversion.convert(
            self.source, method, self.calibration, statistics=self.statistics, calibrators=calibrators
        )

    def score(self, blueprint: Blueprint) -> Score:
        """Its figures on the images to judge by."""
        return score(blueprint, self.source, self.labelled, table="horowitz_int32")

    def outputs(self, blueprint: Blueprint) -> Tensor:
        """Its read-outs on the images to judge by."""
        network = build(blueprint)
        with torch.no_grad():
            return torch.cat([network(x) for x, _ in self.labelled])


def bench(run: Path, *, images: int | None, split: str = "test", calibration: int = 512, seed: int = 0) -> Bench:
    """Load a run, `calibration` training images and the first `images` of a split."""
    source, data, _ = acquire.of_run(run, data=None, images=ImageSettings())
    assert data is not None, f"{run} does not name its data"
    labelled = acquire.labelled(acquire.split_of(data, split), data, limit=images)
    seen = acquire.inputs(data.train, data, limit=calibration, seed=seed)
    return Bench(source, seen, observe(source, seen), labelled, accuracy_of_source(source, labelled))
