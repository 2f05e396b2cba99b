"""Means and maxima over windows or axes."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from spikewright.ann.meaning import Meaning
from spikewright.ann.ops.pools import AdaptiveAveragePool, AdaptiveMaxPool, AveragePool, MaxPool, Mean

Inputs = Sequence[Tensor]
Roles = Mapping[str, Tensor]


def _average_pool(op: AveragePool, inputs: Inputs, roles: Roles, training: bool) -> Tensor:  # noqa: ARG001
    x, window = inputs[0], (op.kernel, op.stride, op.padding, op.ceil_mode, op.count_include_pad)
    if len(op.kernel) == 1:
        return torch.avg_pool1d(x, *window)
    call = F.avg_pool2d if len(op.kernel) == 2 else F.avg_pool3d
    return call(x, *window, op.divisor)


def _adaptive_average_pool(op: AdaptiveAveragePool, inputs: Inputs, roles: Roles, training: bool) -> Tensor:  # noqa: ARG001
    call = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)[len(op.size) - 1]
    return call(inputs[0], list(op.size))  # pyright: ignore[reportArgumentType]


def _mean(op: Mean, inputs: Inputs, roles: Roles, training: bool) -> Tensor:  # noqa: ARG001
    return torch.mean(inputs[0], op.dims, op.keepdim)


def _max_pool(op: MaxPool, inputs: Inputs, roles: Roles, training: bool) -> Tensor:  # noqa: ARG001
    call = (torch.max_pool1d, torch.max_pool2d, torch.max_pool3d)[len(op.kernel) - 1]
    return call(inputs[0], op.kernel, op.stride, op.padding, op.dilation, op.ceil_mode)


def _adaptive_max_pool(op: AdaptiveMaxPool, inputs: Inputs, roles: Roles, training: bool) -> Tensor:  # noqa: ARG001
    call = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)[len(op.size) - 1]
    return call(inputs[0], op.size)


RULES: dict[type, Meaning] = {
    AveragePool: _average_pool,
    AdaptiveAveragePool: _adaptive_average_pool,
    Mean: _mean,
    MaxPool: _max_pool,
    AdaptiveMaxPool: _adaptive_max_pool,
}
