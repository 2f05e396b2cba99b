"""Turn a trained PyTorch network into a spiking network that is proven equal to it.

The names below are imported on first use, so that `import spikewright` is quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikewright.ann.capture.capture import capture as capture
    from spikewright.ann.source import Source as Source
    from spikewright.app.api import convert as convert
    from spikewright.app.api import evaluate as evaluate
    from spikewright.app.api import load as load
    from spikewright.app.api import save as save
    from spikewright.app.api import verify as verify
    from spikewright.conversion.calibrators.gradient import Gradient as Gradient
    from spikewright.conversion.methods.exact import Exact as Exact
    from spikewright.conversion.methods.qac import Qac as Qac
    from spikewright.conversion.methods.qcfs import Qcfs as Qcfs
    from spikewright.conversion.quantise import quantise as quantise
    from spikewright.data.preparation import InputPreparation as InputPreparation
    from spikewright.engines.lower.integer import IntegerMode as IntegerMode
    from spikewright.engines.network import SpikingNetwork as SpikingNetwork
    from spikewright.engines.network import build as build
    from spikewright.engines.packed.network import PackedNetwork as PackedNetwork
    from spikewright.measure.samples import EvaluateSettings as EvaluateSettings
    from spikewright.measure.samples import Prepared as Prepared
    from spikewright.reliability.campaign.inject import inject as inject
    from spikewright.reliability.campaign.settings import InjectSettings as InjectSettings
    from spikewright.reliability.faults.bit_flip import BitFlip as BitFlip
    from spikewright.snn.blueprint import Blueprint as Blueprint
    from spikewright.snn.code import Code as Code
    from spikewright.snn.formats.binary import Binary as Binary
    from spikewright.snn.formats.uniform import Uniform as Uniform
    from spikewright.training.snn.network import TrainingNetwork as TrainingNetwork
    from spikewright.training.snn.settings import NeuronSettings as NeuronSettings
    from spikewright.training.snn.settings import SpikingSettings as SpikingSettings

__version__ = "0.1.0"

_HOMES = {
    "ann.capture.capture": ("capture",),
    "ann.source": ("Source",),
    "app.api": (
        "convert",
        "evaluate",
        "load",
        "save",
        "verify",
    ),
    "conversion.calibrators.gradient": ("Gradient",),
    "conversion.methods.exact": ("Exact",),
    "conversion.methods.qac": ("Qac",),
    "conversion.methods.qcfs": ("Qcfs",),
    "conversion.quantise": ("quantise",),
    "data.preparation": ("InputPreparation",),
    "engines.lower.integer": ("IntegerMode",),
    "engines.network": (
        "SpikingNetwork",
        "build",
    ),
    "engines.packed.network": ("PackedNetwork",),
    "measure.samples": (
        "EvaluateSettings",
        "Prepared",
    ),
    "reliability.campaign.inject": ("inject",),
    "reliability.campaign.settings": ("InjectSettings",),
    "reliability.faults.bit_flip": ("BitFlip",),
    "snn.blueprint": ("Blueprint",),
    "snn.code": ("Code",),
    "snn.formats.binary": ("Binary",),
    "snn.formats.uniform": ("Uniform",),
    "training.snn.network": ("TrainingNetwork",),
    "training.snn.settings": (
        "NeuronSettings",
        "SpikingSettings",
    ),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"spikewright.{home}"), name)
    raise AttributeError(f"module 'spikewright' has no attribute {name!r}")
