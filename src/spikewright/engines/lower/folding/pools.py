"""Means and maxima pass on what they read; before firing the stage's own unit holds."""

from spikewright.ann.ops.pools import AdaptiveAveragePool, AdaptiveMaxPool, AveragePool, MaxPool, Mean
from spikewright.engines.lower.folding import Folding, pass_on

RULES: dict[type, Folding] = dict.fromkeys(
    (AveragePool, AdaptiveAveragePool, Mean, MaxPool, AdaptiveMaxPool), Folding(pass_on, passes_unit=True)
)
