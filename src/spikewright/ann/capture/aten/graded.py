"""Products, quotients and maxima of two signals, norms of a sample's own values, softmax, lengths."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from spikewright.ann.capture.aten.call import Call, Refused, Translate, Value, feature_axis, feature_constant, tuple_of
from spikewright.ann.ops import Operation
from spikewright.ann.ops.activations import Activation, BatchNorm, Offset
from spikewright.ann.ops.arithmetic import Scale
from spikewright.ann.ops.graded import (
    Divide,
    Larger,
    Length,
    MatMul,
    Multiply,
    Normalise,
    Reciprocal,
    Smaller,
    Softmax,
    as_length,
)
from spikewright.ann.ops.moves import Reshape

_MOST_FACTORS = 8  # of a power that is written as products


def of_two(call: Call, op: Operation, left: Value, right: Value) -> Value:
    """An operation of two signals, one of which may be broadcast along features."""
    if len(left.shape) != len(right.shape):
        raise Refused(
            f"{op.kind} of two signals with {len(left.shape)} and {len(right.shape)} axes",
            "give both as many axes, the batch first",
        )
    return call.emit(op, [left, right], call.shape)


def divided(call: Call, left: Any, right: Value) -> Value:
    """A signal, or a constant, by a signal."""
    if isinstance(left, Value):
        return of_two(call, Divide(), left, right)
    inverse = call.emit(Reciprocal(), [right], right.shape)
    constant = feature_constant(left, call.shape)
    if constant.numel() == 1 and float(constant) == 1:
        return inverse
    return call.emit(Scale(), [inverse], call.shape, weight=constant)


def at_least(call: Call, length: Value, least: Any) -> Value | None:
    """A length that is clamped from below; None where the value is none, or the limit no number from 0 up."""
    made = call.origin(length)
    op = None if made is None else as_length(made.op)
    if made is None or op is None or not isinstance(least, int | float) or least < 0:
        return None
    return call.emit(replace(op, least=max(op.least, float(least))), made.inputs, length.shape)


def _extreme(call: Call) -> Value:
    """The larger of a signal and 0 is a ReLU; of a signal and a constant, one between constants."""
    largest = call.target == "maximum"
    left, right = call["self"], call["other"]
    if isinstance(left, Value) and isinstance(right, Value):
        return of_two(call, Larger() if largest else Smaller(), left, right)
    signal, limit = (left, right) if isinstance(left, Value) else (right, left)
    limit = feature_constant(limit, call.shape)
    if signal.shape != call.shape:
        raise Refused(f"a {call.target} with a constant of a larger shape", "expand the signal first")
    # max(x, c) = c + relu(x − c);  min(x, c) = c − relu(c − x)
    zero = not bool((limit != 0).any())
    value = signal if largest else call.emit(Scale(), [signal], call.shape, weight=torch.tensor(-1.0))
    shift = -limit if largest else limit.clone()  # another array than the one that comes behind
    value = value if zero else call.emit(Offset(), [value], call.shape, offset=shift)
    value = call.emit(Activation(), [value], call.shape)
    value = value if largest else call.emit(Scale(), [value], call.shape, weight=torch.tensor(-1.0))
    return value if zero else call.emit(Offset(), [value], call.shape, offset=limit)


def _power(call: Call) -> Value:
    x, exponent = call["self"], 2 if call.target == "square" else call["exponent"]
    whole = isinstance(x, Value) and isinstance(exponent, int | float) and float(exponent).is_integer()
    if not whole or not 1 <= abs(exponent) <= _MOST_FACTORS:
        raise Refused("a power that is not of a signal with a small whole exponent", "write it as products")
    value = x
    for _ in range(int(abs(exponent)) - 1):
        value = call.emit(Multiply(), [value, x], call.shape)
    return value if exponent > 0 else call.emit(Reciprocal(), [value], call.shape)


def _reciprocal(call: Call) -> Value:
    return call.emit(Reciprocal(), [call["self"]], call.shape)


def _layer_norm(call: Call) -> Any:
    x = call["input"]
    dims = tuple(range(len(x.shape) + 1 - len(call["normalized_shape"]), len(x.shape) + 1))
    centred = call.target != "rms_norm"
    epsilon = call.get("eps", 1e-5 if centred else torch.finfo(torch.get_default_dtype()).eps)
    value = call.emit(Normalise(dims=dims, epsilon=float(epsilon), centred=centred), [x], call.shape)
    value = _affine(call, value, call.get("weight"), call.get("bias"))
    return (value, None, None) if call.target.startswith("native") else value


def _group_norm(call: Call) -> Any:
    x = call["input"]
    groups = call.get("num_groups", call.get("group"))
    apart = (groups, x.shape[0] // groups, *x.shape[1:])
    value = call.emit(Reshape(shape=apart), [x], apart)
    dims = tuple(range(2, len(apart) + 1))
    value = call.emit(Normalise(dims=dims, epsilon=float(call.get("eps", 1e-5))), [value], apart)
    value = call.emit(Reshape(shape=x.shape), [value], x.shape)
    value = _affine(call, value, *_by_channel(call))
    return (value, None, None) if call.target.startswith("native") else value


def _instance_norm(call: Call) -> Value:
    x, (weight, bias) = call["input"], _by_channel(call)
    if not call.get("use_input_stats", True):
        op = BatchNorm(epsilon=float(call["eps"]))
        running = {"mean": call["running_mean"], "variance": call["running_var"]}
        return call.emit(op, [x], x.shape, weight=call.get("weight"), bias=call.get("bias"), **running)
    op = Normalise(dims=tuple(range(2, len(x.shape) + 1)), epsilon=float(call["eps"]))
    return _affine(call, call.emit(op, [x], x.shape), weight, bias)


def _by_channel(call: Call) -> tuple[Tensor | None, Tensor | None]:
    """Weight and bias, to broadcast over space."""
    spread = (-1, *(1,) * (len(call.shape) - 1))
    weight, bias = call.get("weight"), call.get("bias")
    return None if weight is None else weight.reshape(spread), None if bias is None else bias.reshape(spread)


def _affine(call: Call, value: Value, weight: Tensor | None, bias: Tensor | None) -> Value:
    if isinstance(weight, Value) or isinstance(bias, Value):
        raise Refused("a norm whose weight depends on the input", "multiply behind the norm")
    if weight is not None:
        value = call.emit(Scale(), [value], value.shape, weight=weight)
    return value if bias is None else call.emit(Offset(), [value], value.shape, offset=bias)


def _softmax(call: Call) -> Value:
    x = call["self"]
    return call.emit(Softmax(dim=feature_axis(call["dim"], len(x.shape) + 1)), [x], call.shape)


def _length(call: Call) -> Value:
    x, order, given = call["self"], call.get("ord", call.get("p", 2)), call.get("dim")
    if order != 2 or given is None:
        raise Refused("a length that is not the Euclidean one over named axes", "use ord=2, and name the axes")
    dims = tuple(sorted(feature_axis(dim, len(x.shape) + 1) for dim in tuple_of(given, 1)))
    return call.emit(Length(dims=dims, keepdim=bool(call.get("keepdim", False))), [x], call.shape)


def matmul(call: Call, left: Value, right: Value) -> Value:
    """A matrix product of two signals, [N, *, m, d] @ [N, *, d, n]."""
    if len(left.shape) != len(right.shape) or len(left.shape) < 2:
        raise Refused(
            "a matrix product of two signals of different ranks", "give both two axes or more, behind the batch"
        )
    return call.emit(MatMul(), [left, right], call.shape)


_NORMS: dict[str, Callable[[Call], Any]] = {
    "layer_norm": _layer_norm,
    "native_layer_norm": _layer_norm,
    "rms_norm": _layer_norm,
    "group_norm": _group_norm,
    "native_group_norm": _group_norm,
    "instance_norm": _instance_norm,
}

TRANSLATIONS: dict[str, Translate] = {
    **_NORMS,
    "maximum": _extreme,
    "minimum": _extreme,
    "pow": _power,
    "square": _power,
    "reciprocal": _reciprocal,
    "softmax": _softmax,
    "_softmax": _softmax,
    "linalg_vector_norm": _length,
    "norm": _length,
}
