"""Evaluate a run on its data set's test split."""

from pathlib import Path
from typing import Any

from spikewright.app.runs import acquire
from spikewright.app.runs.acquire import ImageSettings
from spikewright.app.runs.arithmetic import settle_arithmetic
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadSetting
from spikewright.interchange import run_folder as folder
from spikewright.measure import evaluation
from spikewright.measure.evaluation import EvaluateSettings, Evaluation


def evaluate(
    run: Path,
    *,
    data: str | None = None,
    images: ImageSettings,
    settings: EvaluateSettings,
    on_progress: Progress = silent,
) -> tuple[Evaluation, dict[str, Any]]:
    """Measure a converted or directly trained run; returns the figures and what the run folder says about it.

    Raises:
        SpikewrightError: as loading the run and the data does, and where no data is named.
    """
    settle_arithmetic(settings.place)
    blueprint, about = folder.load_blueprint(run)
    if acquire.is_spiking_run(run):
        source = None
        loaded = acquire.spiking_data(about, data=data, images=images)
    else:
        source, loaded, about = acquire.of_run(run, data=data, images=images)
    if loaded is None:
        raise BadSetting(f"evaluate: run {run} does not say what data it was made with: give --data")
    preparation = loaded.preparation if source is None else None
    found = evaluation.evaluate(blueprint, source, loaded, settings, preparation=preparation, on_progress=on_progress)
    return found, about
