"""What is computed with numbers has no bytes; lowering refuses it before."""

from spikewright.ann.ops.graded import GRADED
from spikewright.ann.ops.rules import Refused
from spikewright.engines.int8.operations import Rule

_NUMBERS = Refused("it is computed with real numbers: run the network with `--engine float`, as build(blueprint) does")

RULES: dict[type, Rule | Refused] = dict.fromkeys(GRADED, _NUMBERS)
