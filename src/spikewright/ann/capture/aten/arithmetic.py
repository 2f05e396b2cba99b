"""Sums, differences and products with constants."""

import torch

from spikewright.ann.capture.aten.call import Call, Refused, Translate, Value, feature_constant
from spikewright.ann.capture.aten.curves import by_hand
from spikewright.ann.ops.activations import Offset
from spikewright.ann.ops.arithmetic import Add, Scale


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
    if isinstance(left, Value) and isinstance(right, Value):
        whole = by_hand(call, left, right) if call.target == "mul" else None
        if whole is not None:
            return whole
        raise Refused(
            "a product of two signals (gating, squeeze-and-excitation or attention)",
            "a spike train can be multiplied by constants only: remove the gate and fine-tune",
        )
    if call.target == "div":
        if call.get("rounding_mode") is not None or isinstance(right, Value):
            raise Refused(
                "a division by a signal, or one that rounds", "divide by a constant, without rounding, and fine-tune"
            )
        right = 1.0 / right
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
