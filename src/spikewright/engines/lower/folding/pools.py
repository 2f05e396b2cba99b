"""Means pass on what they read, and so does the largest of a window of one unit; before firing the stage's own holds."""

from spikewright.ann.ops.pools import AdaptiveAveragePool, AdaptiveMaxPool, AveragePool, MaxPool, Mean
from spikewright.engines.lower.folding import Folding, pass_on

RULES: dict[type, Folding] = dict.fromkeys(
    (AveragePool, AdaptiveAveragePool, Mean, MaxPool, AdaptiveMaxPool), Folding(pass_on, passes_unit=True)
)
