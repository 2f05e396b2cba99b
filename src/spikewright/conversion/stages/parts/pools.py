"""Pools stay as they are; max pools are put before firing later on."""

from spikewright.ann.ops.pools import AdaptiveAveragePool, AdaptiveMaxPool, AveragePool, MaxPool, Mean
from spikewright.conversion.stages.parts import Take, as_it_is

RULES: dict[type, Take] = dict.fromkeys((AveragePool, AdaptiveAveragePool, Mean, MaxPool, AdaptiveMaxPool), as_it_is)
