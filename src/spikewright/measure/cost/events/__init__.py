"""What one event at each element of an operation's inputs costs there: a family of operations a file.

Of a spiking network (`PLAN`) and of a source whose activations all spike (`SOURCE`); both read the same table. A rule
is called with a `Reading`, and returns the cost of an event at each element of each input, [*given] float64: an
accumulation for each weight it meets or sum it is added to, and `later`, where it is only passed on.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from spikewright.ann.ops import Operation, Shape


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One operation, and what its result pays.

    Attributes:
        op: the operation.
        given: shapes of its inputs.
        made: shape of its result.
        later: what an event at each element of the result costs from there on, [*made].
        weight: of a weighted operation.
        dense: count weights that are zero too.
        scale_folds: a product with a constant is folded away, so that it is passed on.
        accumulates: what the operation passes on is added up right behind it, in a stage.
        graded: which elements of the result are numbers rather than spikes; None where the question does not arise.
    """

    op: Operation
    given: list[Shape]
    made: Shape
    later: Tensor
    weight: Tensor | None = None
    dense: bool = False
    scale_folds: bool = False
    accumulates: bool = False
    graded: Tensor | None = None


Cost = Callable[[Reading], list[Tensor]]


def transposed(op: Operation, given: list[Shape], demand: Tensor) -> list[Tensor]:
    """Carry a demand [*made] back through an operation that moves or adds elements: its transpose."""
    with torch.inference_mode(False), torch.enable_grad():
        inputs = [torch.zeros(1, *shape, dtype=torch.float64, requires_grad=True) for shape in given]
        value = op(inputs)
        # the sum's gradient is the same, and passing the demand as one of its own would import sympy
        total = (value * demand.clone().reshape(value.shape)).sum()
        found = torch.autograd.grad(total, inputs, materialize_grads=True)
    return [part[0] for part in found]
