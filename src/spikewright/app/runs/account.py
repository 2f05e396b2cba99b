"""What a trained run says of itself in its `about`: its data, settings and epochs, and what it was made by."""

import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import lightning
import torch

from spikewright.ann.ops import Activating
from spikewright.ann.source import Source
from spikewright.app.runs import acquire
from spikewright.data import EventData, ImageData
from spikewright.snn.blueprint import Blueprint
from spikewright.training import checkpoints
from spikewright.training.settings import TrainReport, TrainSettings
from spikewright.training.snn.settings import SpikingTraining
from spikewright.training.timesteps.learned import timestep_account


def asked(source: Source, data: ImageData | EventData, settings: TrainSettings, **more: Any) -> dict[str, Any]:
    """All that a trained network follows from; `more` is what is asked for beyond the settings."""
    how = {name: value for name, value in asdict(settings).items() if name not in checkpoints.SETTLED}
    if how["class_weights"] is None:
        del how["class_weights"]  # so that runs of before there were any are still the same
    return {
        "verb": "train",
        "source": acquire.digest(source),
        "data": data.fingerprint,
        "preparation": repr(data.preparation),
        "settings": how,
        **more,
    }


def of_training(data: ImageData | EventData, settings: TrainSettings, report: TrainReport) -> dict[str, Any]:
    """How its training went, and on what."""
    return {
        **data.account,
        "settings": asdict(settings),
        "seed": settings.seed,
        "accuracy_validation": report.accuracy_validation,
        "accuracy_test": report.accuracy_test,
        "seconds": report.seconds,
        "epochs": [
            {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(epoch).items()}
            for epoch in report.epochs
        ],
        "versions": {
            "spikewright": version("spikewright"),
            "torch": torch.__version__,
            "lightning": lightning.__version__,
            "python": platform.python_version(),
        },
    }


def of_levels(source: Source, settings: TrainSettings) -> dict[str, Any]:
    """Its levels, and the timesteps that it learned."""
    levels = sorted(
        {node.op.levels for node in source.activations if isinstance(node.op, Activating) and node.op.levels}
    )
    learned = settings.timesteps
    return {
        "levels": levels[0] if len(levels) == 1 else (levels or None),
        **({} if learned is None else timestep_account(source, learned.timestep_weighting)),
    }


def of_spiking(network: Blueprint, spiking: SpikingTraining) -> dict[str, Any]:
    """What a spiking network was trained as, and the leaks that it has."""
    return {
        "kind": "spiking",
        "spiking": asdict(spiking),
        "leaks": {node.name: node.firing.law.leak for node in network.plan.stages if node.firing.law.leaks},
    }
