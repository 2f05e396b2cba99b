"""How far rounding can have moved each value of the reference: a family of operations a file.

    |computed − exact| ≤ terms · ε · magnitude + error,   ε = 2⁻⁵³,        for the reference and for each engine
`magnitude` and `terms` are of what is linear: the same graph on absolute values, Σ|W||x|, and how many numbers are
accumulated on the way, whatever the order in which weights, constants and steps are multiplied and summed. `error` is
what comes from before an operation that is not linear, which is bounded there by the values that it has (`graded.py`),
carried on by |W|. Its length over all features of a sample is bounded beside it, and carried on by how far an operation
stretches lengths (`stretch.py`): no element is off by more than that, and through a chain of attention, where errors
are never rounded away, that grows far more slowly. A rule is called with the `Case` of one node and returns the `Size`
of its value.

Source: running error analysis, Higham, "Accuracy and Stability of Numerical Algorithms", 2002, §3.3, §6.2.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.source import SourceNode

EPSILON = 2.0**-53

_SLACK = 1e-6  # for what lengths themselves round
_CONSTANTS = ("bias", "offset")  # added to a value, whose error they leave as it is


class Size(NamedTuple):
    """Σ|W||x| of a node's value, the number of terms accumulated on the way to it, and its error from further back."""

    magnitude: Tensor
    terms: int
    error: Tensor | None = None  # in the value's own scale; None: 0
    length: Tensor | None = None  # of the error over a sample's features [N]; None: as long as its elements allow

    def bound(self, more: int) -> Tensor:
        """How far the value can be from the exact one, with so many roundings more."""
        own = (self.terms + more) * EPSILON * self.magnitude
        return own if self.error is None else own + self.error

    @property
    def carried_length(self) -> Tensor:
        """How long the error from further back can be, [N]."""
        if self.error is None:
            return torch.zeros(len(self.magnitude), dtype=self.magnitude.dtype)
        return length(self.error) if self.length is None else self.length

    def length_bound(self, more: int) -> Tensor:
        """How far the value of a sample can be from the exact one as a vector, with so many roundings more, [N]."""
        return length((self.terms + more) * EPSILON * self.magnitude) + self.carried_length


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


def on_magnitudes(case: Case, terms: int, stretch: Callable[[], float] | None = None) -> Size:
    """The operation on absolute values of its inputs and arrays, with so many terms more than its longest input.

    Args:
        case: the node.
        terms: how many numbers the operation accumulates.
        stretch: how many times as long as its inputs' lengths together the value can be; None: nothing is known.
    """
    positive = {role: array.abs() for role, array in case.roles.items()}
    value = interpreter.evaluate(case.node, [size.magnitude for size in case.inputs], positive)
    found = Size(value, max(size.terms for size in case.inputs) + terms, carried(case))
    if found.error is None or stretch is None:
        return found
    return narrowed(found, stretch() * torch.stack([size.carried_length for size in case.inputs]).sum(0))


def narrowed(size: Size, longest: Tensor) -> Size:
    """The size, whose error is also known to be no longer than `longest` [N]."""
    assert size.error is not None
    longest = torch.minimum(infinite(longest), length(size.error)) * (1 + _SLACK)
    spread = longest.reshape(-1, *(1,) * (size.error.dim() - 1))
    return size._replace(error=torch.minimum(size.error, spread), length=longest)


def length(value: Tensor) -> Tensor:
    """The root of the sum of squares over a sample's features, [N, *] → [N]."""
    return value.flatten(1).square().sum(1).sqrt()


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
