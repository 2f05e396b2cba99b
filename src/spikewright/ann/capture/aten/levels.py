"""Activations that were trained with levels elsewhere: a clip that is rounded to whole numbers is a clipped rounding.

    ⌊k · clip(z, 0, c) + ½⌋ = k · r(z)      with k · c = L whole, and r the rounding to L levels of threshold c
So published QCFS (k = L, c = 1, behind z/θ) and learned step sizes (k = 1, c = L, behind z/s) are captured with their
levels and thresholds. `round` rounds ties to even and r rounds them up: on a tie alone they differ.

Source: Bu et al., "Optimal ANN-SNN Conversion", 2022, eq. 5; Esser et al., "Learned Step Size
Quantization", 2020, eq. 1.
"""

from typing import NamedTuple, cast

import torch
from torch import Tensor

from spikewright.ann.capture.aten.call import Call, Refused, Translate, Value
from spikewright.ann.ops import Activating
from spikewright.ann.ops.activations import Activation, Offset
from spikewright.ann.ops.arithmetic import Scale

MOST_LEVELS = 2**16
TOLERANCE = 1e-4  # of a level: constants come in float32

_REFUSED = (
    "round a clip to [0, M], as clamp(0, M) before it, and fine-tune; or take it out, and train with levels",
    "it rounds something else than a clip to [0, M]",
)


class _Affine(NamedTuple):
    """gain · clip(z, 0, cap) + offset."""

    z: Value
    op: Activating
    gain: float
    offset: float


def _rounded(call: Call) -> Value:
    found = _affine(call, call["self"])
    if found is None or found.op.cap is None or found.gain <= 0:
        raise Refused(call.target, *_REFUSED)
    # a whole number may be added before or after: r(z) + n is ⌊… + n + ½⌋
    half = 0.5 if call.target == "floor" else 0.0
    whole = round(found.offset - half)
    if abs(found.offset - half - whole) > TOLERANCE:
        raise Refused(call.target, *_REFUSED)
    levels = round(found.gain * found.op.cap)
    if not 1 <= levels <= MOST_LEVELS or abs(found.gain * found.op.cap - levels) > TOLERANCE * levels:
        what = f"{call.target} of a clip that ends between two levels"
        raise Refused(what, "let the clip end on a level, and fine-tune")
    z = _without_rectifier(call, found.z)
    value = call.emit(Activation(levels=levels), [z], call.shape, threshold=torch.tensor(float(found.op.cap)))
    value = call.emit(Scale(), [value], call.shape, weight=torch.tensor(levels / found.op.cap))
    return value if whole == 0 else call.emit(Offset(), [value], call.shape, offset=torch.tensor(float(whole)))


def _affine(call: Call, value: Value) -> _Affine | None:
    """What a value is of the clip that it is made of, by one number each; None: something else."""
    gain, offset = 1.0, 0.0
    while (made := call.origin(value)) is not None:
        if made.op.activates:
            op = cast("Activating", made.op)
            return None if op.levels is not None else _Affine(made.inputs[0], op, gain, offset)
        if made.op.scales and (number := _number(made.arrays["weight"])) is not None:
            gain *= number
        elif set(made.arrays) == {"offset"} and (number := _number(made.arrays["offset"])) is not None:
            offset += gain * number
        else:
            return None
        value = made.inputs[0]
    return None


def _without_rectifier(call: Call, value: Value) -> Value:
    """clip(a · relu(z), 0, c) = clip(a · z, 0, c) for a > 0: a ReLU before the clip has nothing left to do."""
    gain, read = 1.0, value
    while (made := call.origin(read)) is not None:
        if made.op.activates:
            op = cast("Activating", made.op)
            if op.levels is not None or op.cap is not None:
                return value
            read = made.inputs[0]
            return read if gain == 1 else call.emit(Scale(), [read], read.shape, weight=torch.tensor(gain))
        number = _number(made.arrays["weight"]) if made.op.scales else None
        if number is None or number <= 0:
            return value
        gain, read = gain * number, made.inputs[0]
    return value


def _number(array: Tensor) -> float | None:
    return float(array) if array.numel() == 1 else None


TRANSLATIONS: dict[str, Translate] = {"floor": _rounded, "round": _rounded}
