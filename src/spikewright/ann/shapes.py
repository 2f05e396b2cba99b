"""What shape a network's values have, found by running its operations on no samples at all.

    features → a tensor of them without samples, [0, *features] → the operation → [0, *features']
Torch's kernels check shapes and then have nothing to compute. Its `meta` device would say the same, but the first
convolution on it imports sympy and TorchDynamo, two seconds of a command's time. What is moved keeps samples, all in
memory of one number: without any, a reshape to too many elements would go unseen.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from spikewright.ann.ops import Operation, Product, Shape


def blank(shape: Sequence[int], *, samples: int = 0) -> Tensor:
    """Ones of that many samples, float32 [samples, *shape], in memory of one number."""
    return torch.ones(()).expand(samples, *shape)


def stand_in(array: Tensor) -> Tensor:
    """Ones in the shape of an array, float32, in memory of one number."""
    return torch.ones(()).expand(array.shape)


def shape_made(op: Operation, given: Sequence[Shape], run: Callable[[list[Tensor]], Tensor]) -> Shape:
    """The shape of one sample of what an operation makes.

    Args:
        op: the operation.
        given: shapes of one sample of its inputs.
        run: evaluates it on inputs of these shapes, whatever the number of samples.

    Raises:
        RuntimeError: the shapes do not go together, or the result has another number of samples than the inputs.
    """
    found: Shape = ()
    for samples in (1, 2) if op.moves else (0,):  # two numbers, so that no feature axis is taken for the samples'
        made = run([blank(shape, samples=samples) for shape in given])
        if made.dim() < 1 or len(made) != samples:
            raise RuntimeError(f"of {samples} samples it makes {tuple(made.shape)}, which is another number of them")
        found = tuple(made.shape[1:])
    return found


def require_channels(op: Operation, given: Shape, weight: Tensor | None) -> None:
    """Refuse a product's weight that is for other channels; where there are no samples, torch takes any.

    Args:
        op: the operation.
        given: the shape of one sample of what it multiplies.
        weight: its weight; None where it has none.

    Raises:
        ValueError: the weight is for others.
    """
    if isinstance(op, Product) and weight is not None:
        taken, come = op.in_channels(weight), given[0 if op.space else -1]
        if taken != come:
            raise ValueError(f"its weight takes {taken} channels, and {come} come")
