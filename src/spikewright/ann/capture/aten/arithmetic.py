"""Sums and differences; products with constants, and of two signals."""

import torch

from spikewright.ann.capture.aten.call import Call, Refused, Translate, Value, feature_constant
from spikewright.ann.capture.aten.curves import by_hand
from spikewright.ann.capture.aten.graded import divided, of_two
from spikewright.ann.ops.activations import Offset
from spikewright.ann.ops.arithmetic import Add, Scale
from spikewright.ann.ops.graded import Multiply


def _sum(call: Call) -> Value:
    left, right, alpha = call["self"], call["other"], call.get("alpha", 1)
    if call.target == "rsub":
        left, right = right, left
    sign = float(alpha) if call.target == "add" else -float(alpha)
    if call.target == "rsub" and alpha != 1:
        raise Refused("rsub with alpha", "write the subtraction out")
    if isinstance(left, Value) and isinstance(right, Value):
        return call.emit(Add(), [left, _times(call, right, sign)], call.shape)
    if isinstance(right, Value):
        left, right, sign = _times(call, right, sign), left, 1.0
    offset = feature_constant(right, call.shape)
    offset = offset if sign == 1 else offset * sign
    return call.emit(Offset(), [left], call.shape, offset=offset)


def _product(call: Call) -> Value:
    left, right = call["self"], call.get("other", -1.0)
    if isinstance(left, Value) and isinstance(right, Value) and call.target == "mul":
        whole = by_hand(call, left, right)
        if whole is not None:
            return whole
    if call.target == "div":
        if call.get("rounding_mode") is not None:
            raise Refused("a division that rounds", "divide without rounding")
        if isinstance(right, Value):
            return divided(call, left, right)
        right = 1.0 / right
    if isinstance(left, Value) and isinstance(right, Value):
        return of_two(call, Multiply(), left, right)
    if isinstance(right, Value):
        left, right = right, left
    return call.emit(Scale(), [left], call.shape, weight=feature_constant(right, call.shape))


def _times(call: Call, value: Value, factor: float) -> Value:
    return value if factor == 1 else call.emit(Scale(), [value], value.shape, weight=torch.tensor(factor))


TRANSLATIONS: dict[str, Translate] = {
    "add": _sum,
    "sub": _sum,
    "rsub": _sum,
    "mul": _product,
    "div": _product,
    "neg": _product,
}
