"""Maxima and means, over windows or axes."""

import math
from typing import Any

import torch

from spikewright.ann.capture.aten.call import MIXES, Call, Refused, Translate, Value, feature_axis, tuple_of
from spikewright.ann.ops.arithmetic import Scale
from spikewright.ann.ops.moves import Reshape
from spikewright.ann.ops.pools import AdaptiveAveragePool, AdaptiveMaxPool, AveragePool, MaxPool, Mean


def _max_pool(call: Call) -> Any:
    count = len(call.shape) - 1
    kernel = tuple_of(call["kernel_size"], count)
    op = MaxPool(
        kernel=kernel,
        stride=tuple_of(call.get("stride") or kernel, count),
        padding=tuple_of(call.get("padding", 0), count),
        dilation=tuple_of(call.get("dilation", 1), count),
        ceil_mode=bool(call.get("ceil_mode", False)),
    )
    value = call.emit(op, [call["self"]], call.shape)
    return (value, None) if "indices" in call.target else value


def _adaptive_max_pool(call: Call) -> Any:
    value = call.emit(AdaptiveMaxPool(size=call.shape[1:]), [call["self"]], call.shape)
    return (value, None)


def _average_pool(call: Call) -> Value:
    count = len(call.shape) - 1
    kernel = tuple_of(call["kernel_size"], count)
    op = AveragePool(
        kernel=kernel,
        stride=tuple_of(call.get("stride") or kernel, count),
        padding=tuple_of(call.get("padding", 0), count),
        ceil_mode=bool(call.get("ceil_mode", False)),
        count_include_pad=bool(call.get("count_include_pad", True)),
        divisor=call.get("divisor_override"),
    )
    return call.emit(op, [call["self"]], call.shape)


def _adaptive_average_pool(call: Call) -> Value:
    return call.emit(AdaptiveAveragePool(size=call.shape[1:]), [call["self"]], call.shape)


def _mean(call: Call) -> Value:
    x = call["self"]
    given = call.get("dim")
    if given is None:
        raise Refused(f"a {call.target} over everything, the batch included", "name the axes, without the batch", MIXES)
    dims = tuple(feature_axis(dim, len(x.shape) + 1) for dim in tuple_of(given, 1))
    value = call.emit(Mean(dims=dims, keepdim=bool(call.get("keepdim", False))), [x], call.shape)
    if call.target == "sum":
        count = math.prod(x.shape[dim - 1] for dim in dims)
        value = call.emit(Scale(), [value], call.shape, weight=torch.tensor(float(count)))
    return value


def _largest(call: Call) -> Value:
    """The largest over all of space: a pool with one window."""
    x = call["self"]
    dims = sorted(feature_axis(dim, len(x.shape) + 1) - 1 for dim in tuple_of(call.get("dim") or (), 0))
    if not dims or dims != list(range(1, len(x.shape))) or len(dims) > 3:
        raise Refused("a maximum that is not over all axes of space", "use a max pool")
    pooled = call.emit(AdaptiveMaxPool(size=(1,) * len(dims)), [x], (x.shape[0], *(1,) * len(dims)))
    return pooled if pooled.shape == call.shape else call.emit(Reshape(shape=call.shape), [pooled], call.shape)


TRANSLATIONS: dict[str, Translate] = {
    "max_pool1d": _max_pool,
    "max_pool2d": _max_pool,
    "max_pool3d": _max_pool,
    "max_pool2d_with_indices": _max_pool,
    "max_pool3d_with_indices": _max_pool,
    "max_pool1d_with_indices": _max_pool,
    "adaptive_max_pool1d": _adaptive_max_pool,
    "adaptive_max_pool2d": _adaptive_max_pool,
    "adaptive_max_pool3d": _adaptive_max_pool,
    "avg_pool1d": _average_pool,
    "avg_pool2d": _average_pool,
    "avg_pool3d": _average_pool,
    "adaptive_avg_pool1d": _adaptive_average_pool,
    "adaptive_avg_pool2d": _adaptive_average_pool,
    "adaptive_avg_pool3d": _adaptive_average_pool,
    "_adaptive_avg_pool2d": _adaptive_average_pool,
    "_adaptive_avg_pool3d": _adaptive_average_pool,
    "amax": _largest,
    "mean": _mean,
    "sum": _mean,
}
