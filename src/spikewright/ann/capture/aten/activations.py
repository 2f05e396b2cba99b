"""Activations, and the batch norm before them."""

import math
from typing import Any

import torch
from torch import Tensor

from spikewright.ann.capture.aten.call import Call, Refused, Translate, Value, feature_constant
from spikewright.ann.capture.aten.curves import threshold
from spikewright.ann.capture.aten.graded import at_least
from spikewright.ann.ops.activations import Activation, BatchNorm, Offset


def _batch_norm(call: Call) -> Any:
    mean, variance = call.get("running_mean"), call.get("running_var")
    if mean is None or call.get("training", False):
        raise Refused(
            "a batch norm without running statistics",
            "use track_running_stats=True: a sample's result must not depend on its batch",
        )
    op = BatchNorm(epsilon=float(call["eps"]), momentum=float(call.get("momentum", 0.1)))
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


def _activation(call: Call) -> Value:
    x = call["self"]
    low, high = 0.0, None
    if call.target == "relu6":
        high = 6.0
    elif call.target == "threshold":
        if call["threshold"] != 0 or call["value"] != 0:
            return threshold(call)
    elif call.target != "relu":
        default = -1.0 if call.target == "hardtanh" else None
        low = call.get("min_val", call.get("min", default))
        high = call.get("max_val", call.get("max", 1.0 if call.target == "hardtanh" else None))
    if "clamp" in call.target and high is None and (length := at_least(call, x, low)) is not None:
        return length
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
        x = call.emit(Offset(), [x], x.shape, offset=torch.tensor(-low))
    value = call.emit(Activation(cap=None if high is None else high - low), [x], x.shape)
    return value if low == 0 else call.emit(Offset(), [value], x.shape, offset=torch.tensor(low))


def _trained_activation(call: Call) -> Value:
    threshold = call["threshold"]
    if not isinstance(threshold, Tensor):
        raise Refused("a clipped rounding whose threshold depends on the input", "use a constant threshold")
    op = Activation(levels=int(call["levels"]))
    return call.emit(op, [call["z"]], call.shape, threshold=feature_constant(threshold, call.shape))


TRANSLATIONS: dict[str, Translate] = {
    "_native_batch_norm_legit_no_training": _batch_norm,
    "batch_norm": _batch_norm,
    "native_batch_norm": _batch_norm,
    "relu": _activation,
    "relu6": _activation,
    "hardtanh": _activation,
    "clamp": _activation,
    "clamp_min": _activation,
    "threshold": _activation,
    "spikewright::clipped_round": _trained_activation,
}
