"""What is computed with numbers stays as it is; constants stop in front of it (`constants.py`)."""

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
from spikewright.conversion.stages.parts import Take, as_it_is

RULES: dict[type, Take] = dict.fromkeys(
    (Multiply, Divide, Reciprocal, Larger, Smaller, MatMul, Normalise, Softmax, Length), as_it_is
)
