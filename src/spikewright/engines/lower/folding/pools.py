"""Means pass on what they read; a max pool stands before firing, where the stage's own unit holds."""

from spikewright.ann.ops.pools import AdaptiveAveragePool, AdaptiveMaxPool, AveragePool, MaxPool, Mean
from spikewright.ann.ops.rules import Refused
from spikewright.engines.lower.folding import Folding, pass_on

RULES: dict[type, Folding | Refused] = {
    **dict.fromkeys((AveragePool, AdaptiveAveragePool, Mean), Folding(pass_on, passes_unit=True)),
    **dict.fromkeys((MaxPool, AdaptiveMaxPool), Refused("it stands between accumulating and firing, not in the graph")),
}
