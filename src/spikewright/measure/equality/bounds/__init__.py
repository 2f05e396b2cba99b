"""How far rounding can have moved each value of the reference: a family of operations a file.

A rule evaluates the same graph on absolute values: it is called with the node, the sizes of its inputs and its arrays,
and returns the size of its value, Σ|W||x| and the number of terms accumulated on the way to it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.source import SourceNode


class Size(NamedTuple):
    """Σ|W||x| of a node's value and the number of terms accumulated on the way to it."""

    magnitude: Tensor
    terms: int


Bound = Callable[..., Size]


def on_magnitudes(node: SourceNode, inputs: Sequence[Size], roles: Mapping[str, Tensor], terms: int) -> Size:
    """The operation on absolute values of its inputs and arrays, with so many terms more than its longest input."""
    positive = {role: array.abs() for role, array in roles.items()}
    value = interpreter.evaluate(node, [size.magnitude for size in inputs], positive)
    return Size(value, max(size.terms for size in inputs) + terms)
