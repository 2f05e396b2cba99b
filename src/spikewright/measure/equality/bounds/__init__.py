"""How far rounding can have moved each value of the reference: a family of operations a file.

    |computed − exact| ≤ terms · ε · magnitude + error,   ε = 2⁻⁵³,        for the reference and for each engine
`magnitude` and `terms` are of what is linear: the same graph on absolute values, Σ|W||x|, and how many numbers are
accumulated on the way, whatever the order in which weights, constants and steps are multiplied and summed. `error` is
what comes from before an operation that is not linear, which is bounded there by the values that it has (`graded.py`),
carried on by |W|. A rule is called with the `Case` of one node and returns the `Size` of its value.

Source: running error analysis, Higham, "Accuracy and Stability of Numerical Algorithms", 2002, §3.3.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.source import SourceNode

EPSILON = 2.0**-53

_CONSTANTS = ("bias", "offset")  # added to a value, whose error they leave as it is


class Size(NamedTuple):
    """Σ|W||x| of a node's value, the number of terms accumulated on the way to it, and its error from further back."""

    magnitude: Tensor
    terms: int
    error: Tensor | None = None  # in the value's own scale; None: 0

    def bound(self, more: int) -> Tensor:
        """How far the value can be from the exact one, with so many roundings more."""
        own = (self.terms + more) * EPSILON * self.magnitude
        return own if self.error is None else own + self.error


class Case(NamedTuple):
    """One node, as the reference evaluated it.

    Attributes:
        node: of the source.
        inputs: sizes of what it reads.
        values: what it reads, [N, *] each.
        made: its value, [N, *].
        roles: its arrays.
        steps: the most steps over which any value is summed.
    """

    node: SourceNode
    inputs: Sequence[Size]
    values: Sequence[Tensor]
    made: Tensor
    roles: Mapping[str, Tensor]
    steps: int


Bound = Callable[[Case], Size]


def on_magnitudes(case: Case, terms: int) -> Size:
    """The operation on absolute values of its inputs and arrays, with so many terms more than its longest input."""
    positive = {role: array.abs() for role, array in case.roles.items()}
    value = interpreter.evaluate(case.node, [size.magnitude for size in case.inputs], positive)
    return Size(value, max(size.terms for size in case.inputs) + terms, carried(case))


def carried(case: Case) -> Tensor | None:
    """Errors of the inputs as the operation hands them on: with the weight's magnitudes, without what it adds."""
    if all(size.error is None for size in case.inputs):
        return None
    positive = {role: array.abs() for role, array in case.roles.items() if role not in _CONSTANTS}
    positive |= {role: torch.zeros_like(case.roles[role]) for role in _CONSTANTS if role in case.roles}
    errors = [torch.zeros_like(size.magnitude) if size.error is None else size.error for size in case.inputs]
    return infinite(interpreter.evaluate(case.node, errors, positive))


def infinite(error: Tensor) -> Tensor:
    """An error that is no number bounds nothing."""
    return error.nan_to_num(nan=torch.inf, posinf=torch.inf)
