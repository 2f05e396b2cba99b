"""What copies values: to other places, more than once, mirrored, or to the nearest of a finer grid."""

import math
from collections.abc import Sequence

from torch import Tensor

from spikewright.ann.capture.aten.call import MIXES, Call, Refused, Translate, Value, feature_axis, tuple_of
from spikewright.ann.ops.moves import Concat, Gather, Permute, Reshape

_CONSTANT_PLACES = (
    "use constant places, or choose outside of the network",
    "which value is taken must not depend on what is computed",
)


def whole_slice(call: Call) -> bool:
    """Whether a slice takes all of its axis."""
    return call.get("start", 0) == 0 and call.get("end", math.inf) >= 2**31 and call.get("step", 1) == 1


def gathered(call: Call, x: Value, axis: int, index: Sequence[int]) -> Value:
    """Places of a feature axis (without the batch), as they are named."""
    if list(index) == list(range(x.shape[axis])):
        return x
    shape = (*x.shape[:axis], len(index), *x.shape[axis + 1 :])
    return call.emit(Gather(dim=axis + 1, index=tuple(index)), [x], shape)


def padded(call: Call, x: Value, pads: Sequence[int], mode: str) -> Value:
    """Around the last axes, as torch.nn.functional.pad takes them: reflect, replicate or circular."""
    for number, (before, after) in enumerate(zip(pads[::2], pads[1::2], strict=True)):
        axis = len(x.shape) - 1 - number
        size = x.shape[axis]
        x = gathered(call, x, axis, [_inside(place, size, mode) for place in range(-before, size + after)])
    return x


def _inside(place: int, size: int, mode: str) -> int:
    if mode == "replicate":
        return min(max(place, 0), size - 1)
    if mode == "circular":
        return place % size
    place = abs(place)
    return place if place < size else 2 * (size - 1) - place


def _padding(call: Call) -> Value:
    return padded(call, call["self"], call["padding"], "reflect" if "reflection" in call.target else "replicate")


def _nearest(call: Call) -> Value:
    """Nearest resampling: place i of n takes ⌊i · m/n⌋ of m, or ⌊(i + ½) · m/n⌋ where it is `exact`."""
    x = call.get("self", call.get("input"))
    space = len(call.shape) - 1
    scales = call.get("scale_factors", call.get("scales"))
    half = 0.5 if "exact" in call.target else 0.0
    for number, axis in enumerate(range(1, space + 1)):
        size, made = x.shape[axis], call.shape[axis]
        ratio = size / made if not scales or scales[number] is None else 1.0 / float(scales[number])
        x = gathered(call, x, axis, [min(math.floor((place + half) * ratio), size - 1) for place in range(made)])
    return x


def _shuffle(call: Call) -> Value:
    """[…, C·r², H, W] → […, C, H·r, W·r], and back."""
    x = call["self"]
    *ahead, channels, height, width = x.shape
    n = len(ahead)
    if call.target == "pixel_shuffle":
        r = call["upscale_factor"]
        split, order = (*ahead, channels // r**2, r, r, height, width), (0, 3, 1, 4, 2)
    else:
        r = call["downscale_factor"]
        split, order = (*ahead, channels, height // r, r, width // r, r), (0, 2, 4, 1, 3)
    dims = (*range(n + 1), *(n + 1 + place for place in order))
    return _rearranged(call, x, split, dims)


def _channel_shuffle(call: Call) -> Value:
    x, groups = call["self"], call["groups"]
    split = (groups, x.shape[0] // groups, *x.shape[1:])
    return _rearranged(call, x, split, (0, 2, 1, *range(3, len(split) + 1)))


def _rearranged(call: Call, x: Value, split: tuple[int, ...], dims: tuple[int, ...]) -> Value:
    apart = call.emit(Reshape(shape=split), [x], split)
    moved = call.emit(Permute(dims=dims), [apart], tuple(split[dim - 1] for dim in dims[1:]))
    return call.emit(Reshape(shape=call.shape), [moved], call.shape)


def _stack(call: Call) -> Value:
    parts = call["tensors"]
    if not all(isinstance(part, Value) for part in parts):
        raise Refused("a stack with a constant", "join signals, and add the constant afterwards")
    axis = feature_axis(call.get("dim", 0), len(call.shape) + 1) - 1
    alone = (*call.shape[:axis], 1, *call.shape[axis + 1 :])
    apart = [call.emit(Reshape(shape=alone), [part], alone) for part in parts]
    return call.emit(Concat(dim=axis + 1), apart, call.shape)


def _flip(call: Call) -> Value:
    x = call["self"]
    for dim in call["dims"]:
        axis = feature_axis(dim, len(x.shape) + 1) - 1
        x = gathered(call, x, axis, range(x.shape[axis] - 1, -1, -1))
    return x


def _roll(call: Call) -> Value:
    x, dims = call["self"], call.get("dims") or ()
    if not dims:
        raise Refused("a roll over everything, the batch included", "name the axes to roll, without the batch", MIXES)
    for shift, dim in zip(tuple_of(call["shifts"], len(dims)), tuple_of(dims, len(dims)), strict=True):
        axis = feature_axis(dim, len(x.shape) + 1) - 1
        x = gathered(call, x, axis, [(place - shift) % x.shape[axis] for place in range(x.shape[axis])])
    return x


def _repeated(call: Call) -> Value:
    """`repeat` and `expand`: the shape says how often each axis is there; new axes come in front of the features."""
    x = call["self"]
    ahead = len(call.shape) - len(x.shape)
    if ahead:
        raise Refused("copies along a new axis in front of the features", "unsqueeze that axis first")
    for axis, made in enumerate(call.shape):
        x = gathered(call, x, axis, [place % x.shape[axis] for place in range(made)])
    return x


def _selected(call: Call) -> Value:
    x, index = call["self"], call["index"]
    if not isinstance(index, Tensor) or index.dim() != 1:
        raise Refused("places that depend on the input", *_CONSTANT_PLACES)
    axis = feature_axis(call["dim"], len(x.shape) + 1) - 1
    return gathered(call, x, axis, index.tolist())


def _written(call: Call) -> Value:
    """A signal written into a part of an axis of another: what is before, the new values, what is behind."""
    x, new = call["self"], call["src"]
    if not isinstance(x, Value) or not isinstance(new, Value):
        raise Refused(
            "a constant written into a signal, or the other way round",
            "multiply the signal by a constant mask of zeros and ones, and add the constant",
        )
    if call.target == "slice_scatter" and whole_slice(call) and x.shape == new.shape:
        return new
    axis = feature_axis(call.get("dim", 0), len(x.shape) + 1) - 1
    size = x.shape[axis]
    if call.target == "select_scatter":
        start, stop, step = call["index"] % size, call["index"] % size + 1, 1
        whole = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
        new = call.emit(Reshape(shape=whole), [new], whole)
    else:
        start, stop, step = slice(call.get("start"), call.get("end"), call.get("step", 1)).indices(size)
    if (start, stop, step) == (0, size, 1):
        return new
    places = list(range(start, stop, step))
    joined = call.emit(Concat(dim=axis + 1), [x, new], (*x.shape[:axis], size + len(places), *x.shape[axis + 1 :]))
    order = list(range(size))
    for number, place in enumerate(places):
        order[place] = size + number
    return gathered(call, joined, axis, order)


def _copied(call: Call) -> Value:
    new = call["src"]
    if not isinstance(new, Value) or new.shape != call.shape:
        raise Refused("a constant, or fewer values, copied into a signal", "expand it to the same shape first")
    return new


TRANSLATIONS: dict[str, Translate] = {
    **dict.fromkeys((f"{kind}_pad{n}d" for kind in ("reflection", "replication") for n in (1, 2, 3)), _padding),
    **dict.fromkeys(
        (f"{kind}{n}d" for kind in ("upsample_nearest", "_upsample_nearest_exact") for n in (1, 2, 3)), _nearest
    ),
    "pixel_shuffle": _shuffle,
    "pixel_unshuffle": _shuffle,
    "channel_shuffle": _channel_shuffle,
    "native_channel_shuffle": _channel_shuffle,
    "stack": _stack,
    "flip": _flip,
    "roll": _roll,
    "repeat": _repeated,
    "expand": _repeated,
    "index_select": _selected,
    "slice_scatter": _written,
    "select_scatter": _written,
    "copy": _copied,
}
