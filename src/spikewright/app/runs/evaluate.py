"""Evaluate a run on its data set's test split."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spikewright.app.runs import acquire
from spikewright.app.runs.acquire import ImageSettings
from spikewright.app.runs.arithmetic import settle_arithmetic
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadSetting
from spikewright.interchange import run_folder as folder
from spikewright.measure import evaluation
from spikewright.measure.accuracy import output_of
from spikewright.measure.evaluation import EvaluateSettings, Evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateRequest:
    """Which run to measure, and how.

    Attributes:
        run: folder of a converted or directly trained network.
        data: a name, folder or hub id; None takes the run's own.
        images: how images are prepared.
        settings: how many of them, the engine, the table of energies, the device.
    """

    run: Path
    data: str | None = None
    images: ImageSettings = field(default_factory=ImageSettings)
    settings: EvaluateSettings = field(default_factory=EvaluateSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateResult:
    """The figures, and what the run folder says about the network."""

    evaluation: Evaluation
    about: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data."""
        return self.evaluation.to_json()


def run(request: EvaluateRequest, *, on_progress: Progress | None = None) -> EvaluateResult:
    """Measure a converted or directly trained run.

    Raises:
        SpikewrightError: as loading the run and the data does, and where no data is named.
    """
    settings, on_progress = request.settings, silent if on_progress is None else on_progress
    settle_arithmetic(settings.place)
    blueprint, about = folder.load_blueprint(request.run)
    evaluation.require_engine(blueprint, settings)
    shapes = {name: node.shape for name, node in blueprint.plan.outputs.items()}
    output_of(shapes, settings.output, "evaluate")  # before data is asked for
    if acquire.is_spiking_run(request.run):
        source = None
        loaded = acquire.spiking_data(
            request.run, blueprint.plan, about, data=request.data, images=request.images, on_progress=on_progress
        )
    else:
        source, loaded, about = acquire.of_run(request.run, data=request.data, images=request.images)
    if loaded is None:
        raise BadSetting(f"evaluate: run {request.run} does not say what data it was made with: give --data")
    found = evaluation.evaluate(
        blueprint, source, loaded, settings,
        preparation=loaded.preparation if source is None else None,
        on_progress=on_progress,
    )  # fmt: skip
    return EvaluateResult(evaluation=found, about=about)
