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

from spikewright.ann.ops import Averaging, Weighted
from spikewright.ann.ops.pools import AdaptiveAveragePool, AveragePool, Mean
from spikewright.ann.ops.products import Conv, Linear

Shape = tuple[int, ...]


def weights_met(op: Weighted, weight: Tensor, *, given: Shape, made: Shape, dense: bool = False) -> Tensor:
    """Count the weights that each input element meets, [*given] float64; biases are not counted.

    Args:
        op: the operation.
        weight: its weight, as torch lays it out.
        given: shape of one sample's input.
        made: shape of one sample's output.
        dense: count weights that are zero too.

    """
    present = torch.ones_like(weight, dtype=torch.bool) if dense else weight != 0
    if isinstance(op, Linear):
        return present.sum(0).double().expand(given)
    if isinstance(op, Conv):
        return _convolution(op, present, given, made)
    return present.double().broadcast_to(1, *made).sum_to_size(1, *given)[0]


def spread_over_windows(op: Averaging, demand: Tensor, given: Shape) -> Tensor:
    """For each input element, the sum of `demand` [*made] over the windows that hold it, [*given] float64."""
    demand = demand.double()
    if isinstance(op, Mean):
        axes = sorted(dim % (len(given) + 1) - 1 for dim in op.dims)
        for axis in () if op.keepdim else axes:
            demand = demand.unsqueeze(axis)
        return demand.expand(given)
    rank = len(op.size if isinstance(op, AdaptiveAveragePool) else op.kernel)
    for axis in range(rank):
        place = len(given) - rank + axis
        held = _window(op, axis, given[place], demand.shape[place])
        demand = torch.einsum("...o,oy->...y", demand.movedim(place, -1), held).movedim(-1, place)
    return demand


def _convolution(op: Conv, present: Tensor, given: Shape, made: Shape) -> Tensor:
    by_group = present.unsqueeze(0) if op.transposed else present.unflatten(0, (op.groups, -1))
    counted = by_group.sum(2 if op.transposed else 1).flatten(0, 1)
    met = counted.double()  # [C_in, *kernel]
    for axis, width in enumerate(present.shape[2:]):
        reached = _reach(op, axis, width, given[1 + axis], made[1 + axis])
        met = torch.einsum("ck...,ky->c...y", met, reached)  # the next kernel axis moves up to 1
    return met


def _reach(op: Conv, axis: int, width: int, given: int, made: int) -> Tensor:
    """1 where kernel position k joins input position y with an output position, [width, given]."""
    stride, padding, dilation = op.stride[axis], op.padding[axis], op.dilation[axis]
    kernel = torch.arange(width).unsqueeze(1) * dilation
    place = torch.arange(given)
    if op.transposed:
        output = place * stride + kernel - padding
        return ((output >= 0) & (output < made)).double()
    offset = place + padding - kernel
    output = offset.div(stride, rounding_mode="floor")
    return ((offset % stride == 0) & (output >= 0) & (output < made)).double()


def _window(op: AveragePool | AdaptiveAveragePool, axis: int, given: int, made: int) -> Tensor:
    """1 where window o holds input position y, [made, given]."""
    output = torch.arange(made).unsqueeze(1)
    place = torch.arange(given)
    if isinstance(op, AdaptiveAveragePool):
        first, last = output * given // made, -(-(output + 1) * given // made)
    else:
        first = output * op.stride[axis] - op.padding[axis]
        last = first + op.kernel[axis]
    return ((place >= first) & (place < last)).double()


def elements(shape: Sequence[int]) -> int:
    """How many numbers one sample of this shape holds."""
    return int(torch.Size(shape).numel())
