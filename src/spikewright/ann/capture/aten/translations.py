"""The meaning of each captured aten operation, as source nodes; what has no spiking equivalent is refused here.

One small function per family, found by the operation's target. A function gets a `Call` (arguments already
resolved to node names, constants or numbers) and emits source nodes. Knows nothing about modules or export.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from spikewright.ann import ops
from spikewright.ann import source as src


class Refused(Exception):
    """An operation that cannot become spikes; carries what it is and the nearest way out."""

    def __init__(self, what: str, way_out: str) -> None:
        super().__init__(what)
        self.what = what
        self.way_out = way_out


class Value(NamedTuple):
    """A value that depends on the network's input: the node that makes it and one sample's shape."""

    node: str
    shape: tuple[int, ...]


class Emit(Protocol):
    """Append a node and return its value."""

    def __call__(
        self, op: src.SourceOp, inputs: Sequence[Value], shape: Sequence[int], **arrays: Tensor | None
    ) -> Value:
        """Arrays given as None are left out."""
        ...


class Call(NamedTuple):
    """One captured call: the arguments by name, the shape of one sample of the result, and where to emit."""

    target: str
    arguments: dict[str, Any]
    shape: tuple[int, ...]
    emit: Emit

    def __getitem__(self, name: str) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.arguments[name]

    def get(self, name: str, default: Any = None) -> Any:
        """An argument, or the default where the call does not have it."""
        value = self.arguments.get(name)
        return default if value is None else value


Translate = Callable[[Call], Any]
TRANSLATIONS: dict[str, Translate] = {}


def _translates(*targets: str) -> Callable[[Translate], Translate]:
    def keep(function: Translate) -> Translate:
        for target in targets:
            TRANSLATIONS[target] = function
        return function

    return keep


def _tuple(value: int | Sequence[int], count: int) -> tuple[int, ...]:
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * count if len(values) == 1 else values


def _dim(dim: int, rank: int) -> int:
    """The axis as a positive number; the batch axis cannot be touched."""
    positive = dim % rank
    if positive == 0:
        raise Refused("an operation along the batch axis", "keep the first axis for the batch")
    return positive


def _feature_constant(value: Any, shape: tuple[int, ...]) -> Tensor:
    """A constant operand as a tensor that broadcasts against one sample's features."""
    tensor = torch.as_tensor(value, dtype=torch.get_default_dtype()) if not isinstance(value, Tensor) else value
    if tensor.dim() > len(shape):
        if tensor.shape[0] != 1:
            raise Refused("a constant that differs along the batch", "keep constants the same for every sample")
        tensor = tensor.squeeze(0)
    return tensor


@_translates("conv1d", "conv2d", "conv3d", "convolution", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _convolution(call: Call) -> Value:
    x, weight = call["input"], call["weight"]
    if not isinstance(weight, Tensor):
        raise Refused("a convolution whose weights are computed from the input", "use constant weights")
    count = weight.dim() - 2
    stride, dilation = _tuple(call.get("stride", 1), count), _tuple(call.get("dilation", 1), count)
    transposed = bool(call.get("transposed", "transpose" in call.target))
    padding = call.get("padding", 0)
    if isinstance(padding, str):
        total = [d * (k - 1) if padding == "same" else 0 for d, k in zip(dilation, weight.shape[2:], strict=True)]
        if any(t % 2 for t in total):
            pads = tuple(p for t in reversed(total) for p in (t // 2, t - t // 2))
            wide = (x.shape[0], *(s + t for s, t in zip(x.shape[1:], total, strict=True)))
            x = call.emit(ops.ZeroPad(pads=pads), [x], wide)
            total = [0] * count
        padding = [t // 2 for t in total]
    op = ops.Conv(
        stride=stride,
        padding=_tuple(padding, count),
        dilation=dilation,
        groups=call.get("groups", 1),
        transposed=transposed,
        output_padding=_tuple(call.get("output_padding", 0), count) if transposed else (),
    )
    return call.emit(op, [x], call.shape, weight=weight, bias=call.get("bias"))


@_translates("linear")
def _linear(call: Call) -> Value:
    if not isinstance(call["weight"], Tensor) or not isinstance(call["input"], Value):
        raise Refused("a matrix product of two signals (attention)", "attention is not converted in this version")
    return call.emit(ops.Linear(), [call["input"]], call.shape, weight=call["weight"], bias=call.get("bias"))


@_translates("matmul", "mm", "addmm")
def _matmul(call: Call) -> Value:
    left, right = (
        (call["mat1"], call["mat2"])
        if "mat1" in call.arguments
        else (call["self"], call.get("other", call.get("mat2")))
    )
    if not isinstance(left, Value) or not isinstance(right, Tensor) or right.dim() != 2:
        raise Refused("a matrix product of two signals (attention)", "attention is not converted in this version")
    if call.get("beta", 1) != 1 or call.get("alpha", 1) != 1:
        raise Refused("a matrix product with alpha or beta", "write the products out")
    bias = call["self"] if call.target == "addmm" else None
    if isinstance(bias, Value):
        raise Refused("a matrix product added to a signal by addmm", "write x @ w + y")
    return call.emit(ops.Linear(), [left], call.shape, weight=right.T.contiguous(), bias=bias)


@_translates("_native_batch_norm_legit_no_training", "batch_norm", "native_batch_norm")
def _batch_norm(call: Call) -> Any:
    mean, variance = call.get("running_mean"), call.get("running_var")
    if mean is None or call.get("training", False):
        raise Refused(
            "a batch norm without running statistics",
            "use track_running_stats=True: a sample's result must not depend on its batch",
        )
    op = src.BatchNorm(epsilon=float(call["eps"]), momentum=float(call.get("momentum", 0.1)))
    value = call.emit(
        op,
        [call["input"]],
        call["input"].shape,
        weight=call.get("weight"),
        bias=call.get("bias"),
        mean=mean,
        variance=variance,
    )
    return value if call.target == "batch_norm" else (value, None, None)


@_translates("relu", "relu6", "hardtanh", "clamp", "clamp_min", "threshold")
def _activation(call: Call) -> Value:
    x = call["self"]
    low, high = 0.0, None
    if call.target == "relu6":
        high = 6.0
    elif call.target == "threshold":
        if call["threshold"] != 0 or call["value"] != 0:
            raise Refused("a thresholded ReLU with an offset", "use nn.ReLU")
    elif call.target != "relu":
        default = -1.0 if call.target == "hardtanh" else None
        low = call.get("min_val", call.get("min", default))
        high = call.get("max_val", call.get("max", 1.0 if call.target == "hardtanh" else None))
    if low is None:
        raise Refused("a clamp without a minimum", "use clamp(min=0) or nn.ReLU")
    if isinstance(low, Value | Tensor) or isinstance(high, Value | Tensor):
        raise Refused("a clamp whose limits are tensors", "use numbers as limits")
    low, high = float(low), None if high is None or math.isinf(high) else float(high)
    if math.isinf(low):
        raise Refused("a clamp without a minimum", "use clamp(min=0) or nn.ReLU")
    if high is not None and high <= low:
        raise Refused(f"a clamp to the empty range [{low}, {high}]", "give max > min")
    if low != 0:
        # clip(x, m, M) = m + clip(x − m, 0, M − m): the same activation between two constants
        x = call.emit(src.Offset(), [x], x.shape, offset=torch.tensor(-low))
    value = call.emit(src.Activation(cap=None if high is None else high - low), [x], x.shape)
    return value if low == 0 else call.emit(src.Offset(), [value], x.shape, offset=torch.tensor(low))


@_translates("spikewright::clipped_round")
def _trained_activation(call: Call) -> Value:
    threshold = call["threshold"]
    if not isinstance(threshold, Tensor):
        raise Refused("a clipped rounding whose threshold depends on the input", "use a constant threshold")
    op = src.Activation(levels=int(call["levels"]))
    return call.emit(op, [call["z"]], call.shape, threshold=_feature_constant(threshold, call.shape))


@_translates(
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_pool2d_with_indices",
    "max_pool3d_with_indices",
    "max_pool1d_with_indices",
)
def _max_pool(call: Call) -> Any:
    count = len(call.shape) - 1
    kernel = _tuple(call["kernel_size"], count)
    op = ops.MaxPool(
        kernel=kernel,
        stride=_tuple(call.get("stride") or kernel, count),
        padding=_tuple(call.get("padding", 0), count),
        dilation=_tuple(call.get("dilation", 1), count),
        ceil_mode=bool(call.get("ceil_mode", False)),
    )
    value = call.emit(op, [call["self"]], call.shape)
    return (value, None) if "indices" in call.target else value


@_translates("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def _adaptive_max_pool(call: Call) -> Any:
    value = call.emit(ops.AdaptiveMaxPool(size=call.shape[1:]), [call["self"]], call.shape)
    return (value, None)


@_translates("avg_pool1d", "avg_pool2d", "avg_pool3d")
def _average_pool(call: Call) -> Value:
    count = len(call.shape) - 1
    kernel = _tuple(call["kernel_size"], count)
    op = ops.AveragePool(
        kernel=kernel,
        stride=_tuple(call.get("stride") or kernel, count),
        padding=_tuple(call.get("padding", 0), count),
        ceil_mode=bool(call.get("ceil_mode", False)),
        count_include_pad=bool(call.get("count_include_pad", True)),
        divisor=call.get("divisor_override"),
    )
    return call.emit(op, [call["self"]], call.shape)


@_translates(
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "_adaptive_avg_pool2d", "_adaptive_avg_pool3d"
)
def _adaptive_average_pool(call: Call) -> Value:
    return call.emit(ops.AdaptiveAveragePool(size=call.shape[1:]), [call["self"]], call.shape)


@_translates("mean", "sum")
def _mean(call: Call) -> Value:
    x = call["self"]
    given = call.get("dim")
    if given is None:
        raise Refused(
            f"a {call.target} over everything, the batch included", "name the axes to average, without the batch"
        )
    dims = tuple(_dim(dim, len(x.shape) + 1) for dim in _tuple(given, 1))
    value = call.emit(ops.Mean(dims=dims, keepdim=bool(call.get("keepdim", False))), [x], call.shape)
    if call.target == "sum":
        count = math.prod(x.shape[dim - 1] for dim in dims)
        value = call.emit(ops.Scale(), [value], call.shape, weight=torch.tensor(float(count)))
    return value


@_translates("add", "sub", "rsub")
def _sum(call: Call) -> Value:
    left, right, alpha = call["self"], call["other"], call.get("alpha", 1)
    if call.target == "rsub":
        left, right = right, left
    sign = float(alpha) if call.target == "add" else -float(alpha)
    if call.target == "rsub" and alpha != 1:
        raise Refused("rsub with alpha", "write the subtraction out")
    if isinstance(left, Value) and isinstance(right, Value):
        return call.emit(ops.Add(), [left, _times(call, right, sign)], call.shape)
    if isinstance(right, Value):
        left, right, sign = _times(call, right, sign), left, 1.0
    offset = _feature_constant(right, call.shape)
    offset = offset if sign == 1 else offset * sign
    return call.emit(src.Offset(), [left], call.shape, offset=offset)


@_translates("mul", "div", "neg")
def _product(call: Call) -> Value:
    left, right = call["self"], call.get("other", -1.0)
    if isinstance(left, Value) and isinstance(right, Value):
        raise Refused(
            "a product of two signals (gating, squeeze-and-excitation or attention)",
            "a spike train can be multiplied by constants only: remove the gate",
        )
    if call.target == "div":
        if call.get("rounding_mode") is not None or isinstance(right, Value):
            raise Refused("a division by a signal, or one that rounds", "divide by a constant")
        right = 1.0 / right
    if isinstance(right, Value):
        left, right = right, left
    return call.emit(ops.Scale(), [left], call.shape, weight=_feature_constant(right, call.shape))


def _times(call: Call, value: Value, factor: float) -> Value:
    return value if factor == 1 else call.emit(ops.Scale(), [value], value.shape, weight=torch.tensor(factor))


@_translates("cat")
def _concat(call: Call) -> Value:
    parts = call["tensors"]
    if not all(isinstance(part, Value) for part in parts):
        raise Refused("a concatenation with a constant", "join signals only")
    return call.emit(ops.Concat(dim=_dim(call.get("dim", 0), len(call.shape) + 1)), parts, call.shape)


@_translates(
    "view", "reshape", "_unsafe_view", "flatten", "unflatten", "squeeze", "unsqueeze", "_reshape_copy", "view_copy"
)
def _reshape(call: Call) -> Value:
    x = call["self"]
    return x if x.shape == call.shape else call.emit(ops.Reshape(shape=call.shape), [x], call.shape)


@_translates("permute", "transpose", "t")
def _permute(call: Call) -> Value:
    x = call["self"]
    rank = len(x.shape) + 1
    if call.target == "permute":
        dims = tuple(dim % rank for dim in call["dims"])
    else:
        first, second = (1, 0) if call.target == "t" else (call["dim0"] % rank, call["dim1"] % rank)
        order = list(range(rank))
        order[first], order[second] = second, first
        dims = tuple(order)
    if dims[0] != 0:
        raise Refused("a permutation that moves the batch axis", "keep the first axis for the batch")
    return x if dims == tuple(range(rank)) else call.emit(ops.Permute(dims=dims), [x], call.shape)


@_translates("slice", "split", "split_with_sizes", "chunk", "select", "narrow")
def _slice(call: Call) -> Any:
    x = call["self"]
    dim = call.get("dim", 0)
    if call.target == "slice" and dim % (len(x.shape) + 1) == 0 and _whole(call):
        return x
    dim = _dim(dim, len(x.shape) + 1)
    size = x.shape[dim - 1]

    def part(start: int, stop: int, step: int = 1) -> Value:
        start, stop, _ = slice(start, stop, step).indices(size)
        if (start, stop, step) == (0, size, 1):
            return x
        shape = (*x.shape[: dim - 1], len(range(start, stop, step)), *x.shape[dim:])
        return call.emit(ops.Slice(dim=dim, start=start, stop=stop, step=step), [x], shape)

    if call.target == "slice":
        return part(call.get("start", 0), min(call.get("end", size), size), call.get("step", 1))
    if call.target == "narrow":
        return part(call["start"], call["start"] + call["length"])
    if call.target == "select":
        index = call["index"] % size
        return call.emit(ops.Reshape(shape=call.shape), [part(index, index + 1)], call.shape)
    sizes = call.get("split_sizes", call.get("split_size"))
    if call.target == "chunk":
        sizes = math.ceil(size / call["chunks"])
    bounds = [0]
    while bounds[-1] < size:
        bounds.append(min(size, bounds[-1] + (sizes if isinstance(sizes, int) else sizes[len(bounds) - 1])))
    return [part(a, b) for a, b in pairwise(bounds)]


def _whole(call: Call) -> bool:
    return call.get("start", 0) == 0 and call.get("end", math.inf) >= 2**31 and call.get("step", 1) == 1


@_translates("constant_pad_nd", "pad")
def _pad(call: Call) -> Value:
    if call.get("value", 0) != 0 or call.get("mode", "constant") != "constant":
        raise Refused("padding that is not zero", "pad with zeros")
    pads = tuple(call["pad"])
    if len(pads) >= 2 * (len(call.shape) + 1) and any(pads[2 * len(call.shape) :]):
        raise Refused("padding of the batch axis", "keep the first axis for the batch")
    return call.emit(ops.ZeroPad(pads=pads[: 2 * len(call.shape)]), [call["self"]], call.shape)


@_translates(
    "clone",
    "alias",
    "contiguous",
    "detach",
    "lift_fresh_copy",
    "dropout",
    "native_dropout",
    "feature_dropout",
    "alpha_dropout",
    "_to_copy",
    "to",
    "identity",
)
def _pass(call: Call) -> Any:
    if "dropout" in call.target and call.get("train", False) and call.get("p", 1) != 0:
        raise Refused(
            "a dropout that stays on in evaluation mode",
            "write F.dropout(x, p, training=self.training) or use nn.Dropout",
        )
    dtype = call.get("dtype")
    if dtype is not None and not dtype.is_floating_point:
        raise Refused(f"a cast to {dtype}", "keep the signal in floating point")
    if dtype in (torch.float16, torch.bfloat16):
        raise Refused(f"a cast to {dtype}", "convert the network in float32, without autocast")
    x = call.get("self", call.get("input"))
    return (x, None) if call.target == "native_dropout" else x
