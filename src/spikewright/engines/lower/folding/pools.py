"""Means pass on what they read; a max pool stands before firing, where the stage's own unit holds."""

from spikewright.ann.ops.pools import AdaptiveAveragePool, AveragePool, Mean
from spikewright.engines.lower.folding import Folding, pass_on

RULES: dict[type, Folding] = dict.fromkeys((AveragePool, AdaptiveAveragePool, Mean), Folding(pass_on, passes_unit=True))
