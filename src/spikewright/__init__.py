"""Turn a trained PyTorch network into a spiking network that is proven equal to it.

    import spikewright as sw

    network = sw.convert(model, loader, method="exact", timesteps=4)
    print(sw.verify(network, model, loader))
What is reachable from here is public; everything else may change. Names are imported on first use, so that
`import spikewright` is quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikewright import data as data
    from spikewright import measure as measure
    from spikewright.ann.capture.arguments import Example as Example
    from spikewright.ann.capture.capture import capture as capture
    from spikewright.ann.rounding import clipped_round as clipped_round
    from spikewright.ann.source import Source as Source
    from spikewright.app.api.campaigns import inject as inject
    from spikewright.app.api.folders import load as load
    from spikewright.app.api.folders import save as save
    from spikewright.app.api.networks import calibrate as calibrate
    from spikewright.app.api.networks import check as check
    from spikewright.app.api.networks import compare as compare
    from spikewright.app.api.networks import convert as convert
    from spikewright.app.api.networks import engine as engine
    from spikewright.app.api.networks import evaluate as evaluate
    from spikewright.app.api.networks import verify as verify
    from spikewright.app.api.training import search as search
    from spikewright.app.api.training import train as train
    from spikewright.app.nouns import Nouns
    from spikewright.app.pages.injection import write_injection as write_injection
    from spikewright.conversion.auto import Auto as Auto
    from spikewright.conversion.calibrators.gradient import Gradient as Gradient
    from spikewright.conversion.methods.exact import Exact as Exact
    from spikewright.conversion.methods.qac import Qac as Qac
    from spikewright.conversion.methods.qcfs import Qcfs as Qcfs
    from spikewright.conversion.points import with_points as with_points
    from spikewright.conversion.quantise import quantise as quantise
    from spikewright.data.preparation import InputPreparation as InputPreparation
    from spikewright.engines.lower.integer import IntegerMode as IntegerMode
    from spikewright.engines.network import SpikingNetwork as SpikingNetwork
    from spikewright.engines.network import build as build
    from spikewright.engines.packed.network import PackedNetwork as PackedNetwork
    from spikewright.errors import SpikewrightError as SpikewrightError
    from spikewright.measure.equality.certificate import Certificate as Certificate
    from spikewright.measure.evaluation import Evaluation as Evaluation
    from spikewright.measure.samples import EvaluateSettings as EvaluateSettings
    from spikewright.measure.samples import Prepared as Prepared
    from spikewright.reliability.campaign.settings import InjectSettings as InjectSettings
    from spikewright.reliability.faults.bit_flip import BitFlip as BitFlip
    from spikewright.reliability.workers.pool import Workers as Workers
    from spikewright.reliability.workers.pool import gather as gather
    from spikewright.snn.blueprint import Blueprint as Blueprint
    from spikewright.snn.code import Code as Code
    from spikewright.snn.formats.binary import Binary as Binary
    from spikewright.snn.formats.uniform import Uniform as Uniform
    from spikewright.training.settings import TrainSettings as TrainSettings
    from spikewright.training.snn.network import TrainingNetwork as TrainingNetwork
    from spikewright.training.snn.settings import NeuronSettings as NeuronSettings
    from spikewright.training.snn.settings import SpikingSettings as SpikingSettings
    from spikewright.training.snn.settings import SpikingTraining as SpikingTraining
    from spikewright.training.timesteps.settings import TimestepSettings as TimestepSettings

    calibrators: Nouns
    faults: Nouns
    methods: Nouns

__version__ = "0.1.0"

_HOMES = {
    "Auto": "conversion.auto",
    "Binary": "snn.formats.binary",
    "BitFlip": "reliability.faults.bit_flip",
    "Blueprint": "snn.blueprint",
    "Certificate": "measure.equality.certificate",
    "Code": "snn.code",
    "EvaluateSettings": "measure.samples",
    "Evaluation": "measure.evaluation",
    "Exact": "conversion.methods.exact",
    "Example": "ann.capture.arguments",
    "Gradient": "conversion.calibrators.gradient",
    "InjectSettings": "reliability.campaign.settings",
    "InputPreparation": "data.preparation",
    "IntegerMode": "engines.lower.integer",
    "NeuronSettings": "training.snn.settings",
    "PackedNetwork": "engines.packed.network",
    "Prepared": "measure.samples",
    "Qac": "conversion.methods.qac",
    "Qcfs": "conversion.methods.qcfs",
    "Source": "ann.source",
    "SpikewrightError": "errors",
    "SpikingNetwork": "engines.network",
    "SpikingSettings": "training.snn.settings",
    "SpikingTraining": "training.snn.settings",
    "TimestepSettings": "training.timesteps.settings",
    "TrainSettings": "training.settings",
    "TrainingNetwork": "training.snn.network",
    "Uniform": "snn.formats.uniform",
    "Workers": "reliability.workers.pool",
    "build": "engines.network",
    "calibrate": "app.api.networks",
    "capture": "ann.capture.capture",
    "check": "app.api.networks",
    "clipped_round": "ann.rounding",
    "compare": "app.api.networks",
    "convert": "app.api.networks",
    "engine": "app.api.networks",
    "evaluate": "app.api.networks",
    "gather": "reliability.workers.pool",
    "inject": "app.api.campaigns",
    "load": "app.api.folders",
    "quantise": "conversion.quantise",
    "save": "app.api.folders",
    "search": "app.api.training",
    "train": "app.api.training",
    "verify": "app.api.networks",
    "with_points": "conversion.points",
    "write_injection": "app.pages.injection",
}
_WINGS = ("data", "measure")  # whose own names are public
_NOUNS = ("calibrators", "faults", "methods")  # the classes of a folder

__all__ = [*_HOMES, *_NOUNS, *_WINGS]  # noqa: PLE0604  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"spikewright.{_HOMES[name]}"), name)
    if name in _NOUNS:
        return importlib.import_module("spikewright.app.nouns").Nouns(name)
    if name in _WINGS:
        return importlib.import_module(f"spikewright.{name}")
    raise AttributeError(f"module 'spikewright' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
