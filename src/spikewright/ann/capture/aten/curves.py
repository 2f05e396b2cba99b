"""Activations that are no ReLU, by their names in torch."""

from collections.abc import Callable
from typing import cast

import torch

from spikewright.ann.capture.aten.call import Call, Refused, Translate, Value
from spikewright.ann.ops import Activating
from spikewright.ann.ops.curves import Curve


def _named(name: str) -> Callable[[Call], Value]:
    """An activation without parameters."""
    return lambda call: call.emit(Curve(function=name), [call["self"]], call.shape)


def _gelu(call: Call) -> Value:
    name = {"none": "gelu", "tanh": "gelu_tanh"}[call.get("approximate", "none")]
    return call.emit(Curve(function=name), [call["self"]], call.shape)


def _softplus(call: Call) -> Value:
    beta, linear_from = float(call.get("beta", 1)), float(call.get("threshold", 20))
    if beta <= 0:
        raise Refused(f"a softplus with beta {beta:g}", "give a beta above 0, and fine-tune")
    return call.emit(Curve(function="softplus", parameters=(beta, linear_from)), [call["self"]], call.shape)


def _elu(call: Call) -> Value:
    alpha, scale, input_scale = (float(call.get(name, 1)) for name in ("alpha", "scale", "input_scale"))
    if min(alpha, scale, input_scale) < 0:
        raise Refused("an ELU with a negative parameter", "give alpha and scales of at least 0, and fine-tune")
    return call.emit(Curve(function="elu", parameters=(alpha, scale, input_scale)), [call["self"]], call.shape)


def _selu(call: Call) -> Value:
    # Klambauer et al., "Self-Normalizing Neural Networks", 2017, as torch writes the two constants
    parameters = (1.6732632423543772848170429916717, 1.0507009873554804934193349852946, 1.0)
    return call.emit(Curve(function="elu", parameters=parameters), [call["self"]], call.shape)


def _celu(call: Call) -> Value:
    alpha = float(call.get("alpha", 1))
    if alpha <= 0:
        raise Refused(f"a CELU with alpha {alpha:g}", "give an alpha above 0, and fine-tune")
    return call.emit(Curve(function="elu", parameters=(alpha, 1.0, 1 / alpha)), [call["self"]], call.shape)


def _leaky(call: Call) -> Value:
    """LeakyReLU and PReLU, for slopes of any sign, one for all or one a channel."""
    z, slope = call["self"], call.get("weight", call.get("negative_slope", 0.01))
    if isinstance(slope, Value):
        raise Refused("a PReLU whose slope depends on the input", "use a constant slope, and fine-tune")
    slope = torch.as_tensor(slope, dtype=torch.get_default_dtype())
    slope = slope.reshape(-1, *(1,) * (len(z.shape) - 1)) if slope.numel() > 1 else slope.reshape(())
    return call.emit(Curve(function="prelu", signed=bool((slope > 0).any())), [z], call.shape, slope=slope)


def threshold(call: Call) -> Value:
    """The input where it is above a limit, else one number, which has to be no larger."""
    least, otherwise = float(call["threshold"]), float(call["value"])
    if otherwise > least:
        raise Refused("a thresholded ReLU that jumps down", "give a value that is at most the threshold, and fine-tune")
    return call.emit(Curve(function="threshold", parameters=(least, otherwise)), [call["self"]], call.shape)


def by_hand(call: Call, left: Value, right: Value) -> Value | None:
    """z·σ(z), written as a product, is one activation of z; None: the product is of something else."""
    for z, gate in ((left, right), (right, left)):
        made = call.origin(gate)
        if made is not None and made.op.activates and made.inputs == (z,):
            whole = cast("Activating", made.op).times_its_input
            if whole is not None:
                return call.emit(whole, [z], call.shape)
    return None


TRANSLATIONS: dict[str, Translate] = {
    "gelu": _gelu,
    "silu": _named("silu"),
    "hardswish": _named("hardswish"),
    "mish": _named("mish"),
    "sigmoid": _named("sigmoid"),
    "hardsigmoid": _named("hardsigmoid"),
    "tanh": _named("tanh"),
    "softplus": _softplus,
    "elu": _elu,
    "selu": _selu,
    "celu": _celu,
    "prelu": _leaky,
    "_prelu_kernel": _leaky,
    "leaky_relu": _leaky,
    "abs": _named("abs"),
}
