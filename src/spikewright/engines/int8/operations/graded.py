"""What is computed with numbers has no bytes; lowering refuses it before."""

from spikewright.ann.ops.graded import (
    Divide,
    Larger,
    Length,
    MatMul,
    Multiply,
    Normalise,
    Reciprocal,
    Smaller,
    Softmax,
)
from spikewright.ann.ops.rules import Refused
from spikewright.engines.int8.operations import Rule

_NUMBERS = Refused("it is computed with real numbers: run the network with `--engine float`, as build(blueprint) does")

RULES: dict[type, Rule | Refused] = dict.fromkeys(
    (Multiply, Divide, Reciprocal, Larger, Smaller, MatMul, Normalise, Softmax, Length), _NUMBERS
)
