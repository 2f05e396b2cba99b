"""Train, and search, from Python."""

from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from spikewright.ann.source import Source
from spikewright.app.api.given import known_fields
from spikewright.app.runs import acquire
from spikewright.app.runs.train import INITIAL_PERCENTILE, INITIAL_TIMESTEPS
from spikewright.data.batches import Batches
from spikewright.data.dataset import ImageData
from spikewright.data.lookup import load as load_data
from spikewright.engines.network import SpikingNetwork, build
from spikewright.engines.precision import require_float32
from spikewright.exploration.outcome import Outcome
from spikewright.exploration.request import config
from spikewright.exploration.request.settings import SearchSettings
from spikewright.training.ann.levels import initial_thresholds, with_levels
from spikewright.training.fit import fit, fit_spiking
from spikewright.training.settings import TrainReport, TrainSettings
from spikewright.training.snn.settings import SpikingTraining

_CALIBRATION = 500


class Trained(NamedTuple):
    """A trained network, and how its training went."""

    network: Source | SpikingNetwork
    report: TrainReport


def train(
    model: str | nn.Module | Source,
    data: str | ImageData = "digits",
    *,
    levels: int | None = None,
    spiking: SpikingTraining | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    **settings: Any,
) -> Trained:
    """Train a network on a data set of images: with levels to convert it exactly, or directly as a spiking one.

    Args:
        model: a name such as "cnn", a module, or a captured source.
        data: a data set by its name, folder or hub id, or one that is loaded.
        levels: largest code of each activation, or what learned timesteps start from; None trains plain ReLUs.
        spiking: neurons and losses of a spiking network that is trained directly.
        out: checkpoints are kept under this folder; None keeps none.
        resume: go on from the newest one.
        settings: fields of `TrainSettings`, such as `epochs=3`, or `timesteps=sw.TimestepSettings(…)` to learn them.

    Raises:
        BadSetting, BadModel, BadData: what cannot be trained, and why; or float32 products keep fewer bits here.
    """
    require_float32()
    how = TrainSettings(**known_fields(settings, TrainSettings))
    images = load_data(data) if isinstance(data, str) else data
    built = acquire.built(model, images, seed=how.seed) if isinstance(model, str) else model
    source = built if isinstance(built, Source) else acquire.captured(built, images)
    folder = None if out is None else Path(out)
    if spiking is not None:
        network, report = fit_spiking(source, images, how, spiking, out=folder, resume=resume)
        return Trained(build(network), report)
    if levels is not None or how.timesteps is not None:
        source = _with_levels(source, images, levels, learned=how.timesteps is not None, fresh=isinstance(model, str))
    trained, report = fit(source, images, how, out=folder, resume=resume)
    return Trained(trained, report)


def _with_levels(source: Source, data: ImageData, levels: int | None, *, learned: bool, fresh: bool) -> Source:
    """Levels in place of ReLU, each with a threshold from what it shows on training images."""
    batches = Batches(data.train, batch_size=min(_CALIBRATION, len(data.train)), preparation=data.preparation)
    percentile = {"percentile": INITIAL_PERCENTILE} if learned else {}
    thresholds = initial_thresholds(source, [next(iter(batches))[0]], calibrate=fresh, **percentile)
    return with_levels(source, INITIAL_TIMESTEPS if levels is None else levels, thresholds)


def search(settings: str | Path | SearchSettings) -> Outcome:
    """Search many spiking networks for one source, or go on with a search.

    Args:
        settings: a TOML file (docs/search.md), or the settings themselves.

    Raises:
        BadSetting, BadFile: what cannot be searched, and why.
    """
    from spikewright.app.runs import search as verb  # noqa: PLC0415 - brings Optuna

    asked = settings if isinstance(settings, SearchSettings) else config.read(Path(settings))
    return verb.run(verb.SearchRequest(settings=asked)).outcome
