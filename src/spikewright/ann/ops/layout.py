"""Scaling a weight along its input or output axis, for every layout torch uses; pure tensor functions.

Batch norm after an affine map is a scaling of its outputs; a spike's worth is a scaling of its inputs.
Knows nothing about networks.
"""

import torch
from torch import Tensor

from spikewright.ann.ops.products import Conv, Linear


def per_channel(gain: Tensor, shape: tuple[int, ...]) -> Tensor | None:
    """A gain that broadcasts to [*shape] as one number per channel (the first feature axis), or None.

    A linear read-out has one feature axis, [features]; a convolution [channels, *space].
    """
    if gain.numel() == 1:
        return gain.reshape(1).expand(shape[0])
    full = gain.shape if gain.dim() == len(shape) else (1,) * (len(shape) - gain.dim()) + tuple(gain.shape)
    if any(size != 1 for size in full[1:]) or full[0] != shape[0]:
        return None
    return gain.reshape(shape[0])


def out_channels(op: Linear | Conv, weight: Tensor) -> int:
    """How many channels the operation makes."""
    return weight.shape[1] * op.groups if isinstance(op, Conv) and op.transposed else weight.shape[0]


def scale_outputs(op: Linear | Conv, weight: Tensor, gain: Tensor) -> Tensor:
    """The weight whose outputs are `gain` (one number per output channel) times as large."""
    if isinstance(op, Conv) and op.transposed:
        out_per_group = weight.shape[1]
        spread = gain.reshape(op.groups, 1, out_per_group)
        grouped = weight.reshape(op.groups, -1, out_per_group, *weight.shape[2:])
        return (grouped * spread.reshape(*spread.shape, *(1,) * (weight.dim() - 2))).reshape(weight.shape)
    return weight * gain.reshape(-1, *(1,) * (weight.dim() - 1))


def scale_inputs(op: Linear | Conv, weight: Tensor, gain: Tensor) -> Tensor:
    """The weight that acts on inputs `gain` (one number per input channel) times as large."""
    if isinstance(op, Linear):
        return weight * gain
    if op.transposed:
        return weight * gain.reshape(-1, *(1,) * (weight.dim() - 1))
    in_per_group = weight.shape[1]
    spread = gain.reshape(op.groups, 1, in_per_group, *(1,) * (weight.dim() - 2))
    return (weight.reshape(op.groups, -1, *weight.shape[1:]) * spread).reshape(weight.shape)


def outputs_first(op: Linear | Conv, weight: Tensor) -> Tensor:
    """The weight as [out, in, *], whatever torch's layout: a transposed convolution's begins with its inputs."""
    if not (isinstance(op, Conv) and op.transposed):
        return weight
    grouped = weight.unflatten(0, (op.groups, -1))  # [groups, in per group, out per group, *]
    return grouped.transpose(1, 2).flatten(0, 1)


def as_laid_out(op: Linear | Conv, weight: Tensor) -> Tensor:
    """A weight [out, in, *] in torch's layout for the operation: `outputs_first` undone."""
    if not (isinstance(op, Conv) and op.transposed):
        return weight
    grouped = weight.unflatten(0, (op.groups, -1))  # [groups, out per group, in per group, *]
    return grouped.transpose(1, 2).flatten(0, 1)


def compact(constant: Tensor) -> Tensor:
    """A map [channels, *space] as one number per channel where it is constant over space, else as it is."""
    if constant.dim() < 2:
        return constant
    first = constant[(slice(None), *(slice(0, 1),) * (constant.dim() - 1))]
    return first.clone() if torch.equal(first.expand_as(constant), constant) else constant
