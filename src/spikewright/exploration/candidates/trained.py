"""Candidates that are trained: spiking networks with the topology of the trained network, from scratch if not said.

    source → new weights → neurons in place of activations → training → weights of b bits
A training belongs to (timesteps, threshold, neuron, leak); points that differ in bits share it. It is kept with its
checkpoints, so that a search that was stopped goes on from its newest epoch. The test split is not read.

Source: "Reliability-Aware Hyperparameter Optimization for ANN-to-SNN Conversion", Algorithm 1, lines 2-3 and 14.
"""

import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from spikewright.ann.source import Source
from spikewright.data.dataset import ImageData
from spikewright.exploration.candidates.maker import Made, stored
from spikewright.exploration.figures.under_faults import locked
from spikewright.exploration.request.points import Point, Trained
from spikewright.exploration.request.settings import TrainTable, WeightSettings
from spikewright.interchange import run_folder as folder
from spikewright.interchange.placing import has_file
from spikewright.measure.samples import batches, prepared
from spikewright.training.ann.fresh import fresh
from spikewright.training.fit import fit_spiking
from spikewright.training.lightning_trainer import require_device
from spikewright.training.settings import TrainSettings
from spikewright.training.snn.graph import spiking_source
from spikewright.training.snn.recipes import OF_TRAINING, spiking_training
from spikewright.training.snn.settings import SpikingTraining

CALIBRATION = 512  # training images that mended thresholds look at


def training_of(point: Point, table: TrainTable, *, seed: int) -> SpikingTraining:
    """The network that a point stands for, and what it is trained for.

    Raises:
        BadSetting: options that do not go together.
    """
    assert isinstance(point, Trained)
    mine = {"timesteps": point.timesteps, "threshold": point.threshold, "neuron": point.neuron, "leak": point.leak}
    return spiking_training({**table.chosen, **mine}, seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainedMaker:
    """Trains candidates.

    Attributes:
        source: the trained network.
        data: its images, with its preparation.
        about: what its run says of it.
        table: how to train.
        weights: how weights are rounded.
        seed: of weights, order and spikes.
        device: to train on.

    Raises:
        BadModel, UnsupportedModule: the network has nothing that neurons could take the place of.
    """

    source: Source
    data: ImageData
    about: dict[str, Any]
    table: TrainTable
    weights: WeightSettings
    seed: int = 0
    device: str = "auto"
    _cache: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        _ = spiking_source(self.source, biases=self.table.chosen["biases"])

    @property
    def encoded(self) -> ImageData:
        """The data as the encoding takes it: rate coding takes pixels from 0 to 1 as probabilities."""
        if self.table.chosen["encoding"] != "rate":
            return self.data
        channels = self.data.preparation.channels
        plain = replace(self.data.preparation, mean=(0.0,) * channels, std=(1.0,) * channels)
        return replace(self.data, preparation=plain)

    @property
    def validation(self) -> Any:
        """See `Maker.validation`."""
        if "validation" not in self._cache:
            self._cache["validation"] = prepared(self.data.validation, self.encoded.preparation)
        return self._cache["validation"]

    @property
    def test(self) -> Any:
        """See `Maker.test`."""
        return prepared(self.data.test, self.encoded.preparation)

    def possible(self, points: Sequence[Point]) -> list[Point]:
        """See `Maker.possible`: all of them."""
        require_device(self._settings)
        for point in points:
            _ = self.training(point)
        return list(points)

    def training(self, point: Point) -> SpikingTraining:
        """The network that a point stands for, and what it is trained for.

        Raises:
            BadSetting: options that do not go together.
        """
        return training_of(point, self.table, seed=self.seed)

    @property
    def _settings(self) -> TrainSettings:
        chosen = {name: self.table.chosen[name] for name in OF_TRAINING}
        return TrainSettings(epochs=self.table.epochs, seed=self.seed, device=self.device, **chosen)

    def make(self, point: Point, folder: Path) -> Made:
        """See `Maker.make`."""
        network, about = self._trained(point, folder / point.made_name)
        calibration = self._calibration() if self.weights.repair_thresholds else ()
        blueprint = stored(network, point.bits, self.weights, calibration)
        return Made(blueprint=blueprint, about={**about, "weights": {"bits": point.bits, **asdict(self.weights)}})

    def _trained(self, point: Point, where: Path) -> tuple[Any, dict[str, Any]]:
        with locked(where):  # two workers may want it, in different bits
            if has_file(where, "plan.json"):
                return folder.load_blueprint(where)
            spiking = self.training(point)
            settings = self._settings
            start = fresh(self.source, seed=self.seed) if self.table.start == "scratch" else self.source
            # `fit` ends with a look at the test split, which a search must not have
            data = replace(self.encoded, test=self.data.validation)
            network, report = fit_spiking(start, data, settings, spiking, out=where, resume=True)
            about = {
                "model": self.about.get("model"),
                "kind": "spiking",
                **self.data.account,
                "start": self.table.start,
                "settings": asdict(settings),
                "seed": self.seed,
                "spiking": asdict(spiking),
                "accuracy_validation": report.accuracy_validation,
                "seconds": report.seconds,
                "epochs": [{**asdict(epoch), "dead_stages": list(epoch.dead_stages)} for epoch in report.epochs],
                "versions": {
                    "spikewright": version("spikewright"),
                    "torch": torch.__version__,
                    "python": platform.python_version(),
                },
            }
            folder.save_run(where, blueprint=network, about=about)
            return network, about

    def _calibration(self) -> list[Tensor]:
        return [x for x, _ in batches(prepared(self.data.train, self.encoded.preparation, limit=CALIBRATION))]
