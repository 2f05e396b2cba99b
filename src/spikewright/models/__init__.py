"""Plain ReLU networks to start from, and the ways to bring one's own: a factory, a package's name, a file of weights.

One file per family; each lists its factories in `MODELS`, and `find.py` needs no other table.
Knows nothing about spikes, data sets or training.
"""

from spikewright.models.factory import load_factory
from spikewright.models.find import build, names, require_known
from spikewright.models.maker import CLASSES, Made, brings_its_sizes, brings_weights, maker
from spikewright.models.packages import Sizes
from spikewright.models.weights import Weights, fill, load_weights, read_weights, require_weights

__all__ = [
    "CLASSES",
    "Made",
    "Sizes",
    "Weights",
    "brings_its_sizes",
    "brings_weights",
    "build",
    "fill",
    "load_factory",
    "load_weights",
    "maker",
    "names",
    "read_weights",
    "require_known",
    "require_weights",
]
