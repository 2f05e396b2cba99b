"""Turn a trained PyTorch network into a spiking network that is proven equal to it.

The names below are imported on first use, so that `import spikewright` is quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikewright.api import convert as convert
    from spikewright.api import evaluate as evaluate
    from spikewright.api import load as load
    from spikewright.api import save as save
    from spikewright.api import verify as verify
    from spikewright.blueprint import Blueprint as Blueprint
    from spikewright.calibrators.gradient import Gradient as Gradient
    from spikewright.campaigns.inject import inject as inject
    from spikewright.campaigns.settings import InjectSettings as InjectSettings
    from spikewright.capturing import capture as capture
    from spikewright.code import Code as Code
    from spikewright.faults.bit_flip import BitFlip as BitFlip
    from spikewright.lowering import IntegerMode as IntegerMode
    from spikewright.methods.exact import Exact as Exact
    from spikewright.methods.qac import Qac as Qac
    from spikewright.methods.qcfs import Qcfs as Qcfs
    from spikewright.network import SpikingNetwork as SpikingNetwork
    from spikewright.network import build as build
    from spikewright.packed_network import PackedNetwork as PackedNetwork
    from spikewright.preparation import InputPreparation as InputPreparation
    from spikewright.quantisation import quantise as quantise
    from spikewright.quantisers.binary import Binary as Binary
    from spikewright.quantisers.uniform import Uniform as Uniform
    from spikewright.samples import EvaluateSettings as EvaluateSettings
    from spikewright.samples import Prepared as Prepared
    from spikewright.source import Source as Source
    from spikewright.training.spiking import NeuronSettings as NeuronSettings
    from spikewright.training.spiking import SpikingSettings as SpikingSettings
    from spikewright.training.spiking_network import TrainingNetwork as TrainingNetwork

__version__ = "0.1.0"

_HOMES = {
    "api": ("convert", "evaluate", "load", "save", "verify"),
    "blueprint": ("Blueprint",),
    "calibrators.gradient": ("Gradient",),
    "campaigns.inject": ("inject",),
    "campaigns.settings": ("InjectSettings",),
    "capturing": ("capture",),
    "code": ("Code",),
    "faults.bit_flip": ("BitFlip",),
    "lowering": ("IntegerMode",),
    "methods.exact": ("Exact",),
    "methods.qac": ("Qac",),
    "methods.qcfs": ("Qcfs",),
    "network": ("SpikingNetwork", "build"),
    "packed_network": ("PackedNetwork",),
    "preparation": ("InputPreparation",),
    "quantisation": ("quantise",),
    "quantisers.binary": ("Binary",),
    "quantisers.uniform": ("Uniform",),
    "samples": ("EvaluateSettings", "Prepared"),
    "source": ("Source",),
    "training.spiking": ("NeuronSettings", "SpikingSettings"),
    "training.spiking_network": ("TrainingNetwork",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"spikewright.{home}"), name)
    raise AttributeError(f"module 'spikewright' has no attribute {name!r}")
