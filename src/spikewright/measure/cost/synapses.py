"""How many weights each element of an operation's input meets, in closed form: nothing is convolved.

    convolution:  met[c, y] = Σ_k n[c, k] · r[k, y],   n[c, k] = weights of channel c at kernel position k
                  r[k, y] = 1 where some output position reads input position y through k, separable over axes
    mean:         met[y] = Σ_o g[o] · r[o, y],         r[o, y] = 1 where window o holds y, divisors left out

So padding, stride, dilation, groups, transposition and ragged windows are exact, and a large network takes
milliseconds. Knows nothing about spikes, plans or energy.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from spikewright.ann.ops import Averaging, Operation, Product

Shape = tuple[int, ...]


def weights_met(op: Operation, weight: Tensor, *, given: Shape, made: Shape, dense: bool = False) -> Tensor:
    """Count the weights that each input element meets, [*given] float64; biases are not counted.

    Args:
        op: a product, or a scale.
        weight: its weight, as torch lays it out.
        given: shape of one sample's input.
        made: shape of one sample's output.
        dense: count weights that are zero too.

    """
    present = torch.ones_like(weight, dtype=torch.bool) if dense else weight != 0
    if isinstance(op, Product):
        return op.synapses(present, given, made)
    return present.double().broadcast_to(1, *made).sum_to_size(1, *given)[0]


def spread_over_windows(op: Averaging, demand: Tensor, given: Shape) -> Tensor:
    """For each input element, the sum of `demand` [*made] over the windows that hold it, [*given] float64."""
    demand = demand.double().reshape(op.full_rank(tuple(demand.shape)))
    for index, axis in enumerate(op.axes(given)):
        window = op.window(index, given[axis], demand.shape[axis])
        demand = torch.einsum("...o,oy->...y", demand.movedim(axis, -1), window).movedim(-1, axis)
    return demand


def elements(shape: Sequence[int]) -> int:
    """How many numbers one sample of this shape holds."""
    return int(torch.Size(shape).numel())
