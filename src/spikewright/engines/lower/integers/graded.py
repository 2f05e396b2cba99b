"""What is computed with numbers has no integers of its own."""

from spikewright.ann.ops.graded import GRADED
from spikewright.ann.ops.rules import Refused
from spikewright.engines.lower.integers import Lower

_NUMBERS = Refused("it is computed with real numbers: run the network with `--engine float`, as build(blueprint) does")

RULES: dict[type, Lower | Refused] = dict.fromkeys(GRADED, _NUMBERS)
