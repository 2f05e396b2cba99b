"""What copies values: to other places, more than once, mirrored, or to the nearest of a finer grid."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from spikewright.ann.capture.aten.call import Call, Refused, Translate, Value, feature_axis, tuple_of
from spikewright.ann.capture.aten.places import copied, gathered
from spikewright.ann.ops.moves import Concat, Permute, Reshape


def whole_slice(call: Call) -> bool:
    """Whether a slice takes all of its axis."""
    return call.get("start", 0) == 0 and call.get("end", math.inf) >= 2**31 and call.get("step", 1) == 1


def padded(call: Call, x: Value, pads: Sequence[int], mode: str) -> Value:
    """Around the last axes, as torch.nn.functional.pad takes them: reflect, replicate or circular."""
    for number, (before, after) in enumerate(zip(pads[::2], pads[1::2], strict=True)):
        axis = len(x.shape) - 1 - number
        places = torch.arange(x.shape[axis], dtype=torch.float64).reshape(1, 1, -1)
        x = gathered(call, x, axis, _places(F.pad(places, (before, after), mode)))
    return x


def _padding(call: Call) -> Value:
    return padded(call, call["self"], call["padding"], "reflect" if "reflection" in call.target else "replicate")


def _places(made: Tensor) -> list[int]:
    """What torch made of the places of an axis, 0, 1, 2, …, as places."""
    return made.flatten().long().tolist()


def _nearest(call: Call) -> Value:
    """Nearest resampling, axis by axis: torch's own choice of places."""
    x = call.get("self", call.get("input"))
    scales = call.get("scale_factors", call.get("scales"))
    resample = torch.ops.aten._upsample_nearest_exact1d if "exact" in call.target else torch.ops.aten.upsample_nearest1d
    for number, axis in enumerate(range(1, len(call.shape))):
        places = torch.arange(x.shape[axis], dtype=torch.float32).reshape(1, 1, -1)
        scale = None if not scales or scales[number] is None else float(scales[number])
        x = gathered(call, x, axis, _places(resample(places, [call.shape[axis]], scale)))
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


def _stack(call: Call) -> Any:
    parts = call["tensors"]
    if not all(isinstance(part, Value) for part in parts):
        return copied(call)
    axis = feature_axis(call.get("dim", 0), len(call.shape) + 1) - 1
    alone = (*call.shape[:axis], 1, *call.shape[axis + 1 :])
    apart = [call.emit(Reshape(shape=alone), [part], alone) for part in parts]
    return call.emit(Concat(dim=axis + 1), apart, call.shape)


def _flip(call: Call) -> Value:
    x = call["self"]
    for dim in call["dims"]:
        axis = feature_axis(dim, len(x.shape) + 1) - 1
        x = gathered(call, x, axis, torch.arange(x.shape[axis]).flip(0).tolist())
    return x


def _roll(call: Call) -> Value:
    x, dims = call["self"], call.get("dims") or ()
    if not dims:
        raise Refused("a roll over everything, the batch included", "name the axes to roll, without the batch")
    for shift, dim in zip(tuple_of(call["shifts"], len(dims)), tuple_of(dims, len(dims)), strict=True):
        axis = feature_axis(dim, len(x.shape) + 1) - 1
        x = gathered(call, x, axis, torch.arange(x.shape[axis]).roll(shift).tolist())
    return x


def _repeated(call: Call) -> Value:
    """`repeat` and `expand`: the shape says how often each axis is there; the batch is first, so none is new."""
    x = call["self"]
    for axis, made in enumerate(call.shape):
        places = torch.arange(x.shape[axis])
        x = gathered(call, x, axis, places.repeat(made // len(places)).tolist())
    return x


def _selected(call: Call) -> Value:
    x, index = call["self"], call["index"]
    if not isinstance(index, Tensor) or index.dim() != 1:
        raise Refused("places that depend on the input", "use constant places")
    axis = feature_axis(call["dim"], len(x.shape) + 1) - 1
    return gathered(call, x, axis, index.tolist())


def _written(call: Call) -> Any:
    """A signal written into a part of an axis of another: what is before, the new values, what is behind."""
    x, new = call["self"], call["src"]
    if not isinstance(x, Value) or not isinstance(new, Value):
        return copied(call)
    if call.target == "slice_scatter" and whole_slice(call) and x.shape == new.shape:
        return new
    axis = feature_axis(call.get("dim", 0), len(x.shape) + 1) - 1
    size = x.shape[axis]
    order = torch.arange(size)
    if call.target == "select_scatter":
        whole = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
        new = call.emit(Reshape(shape=whole), [new], whole)
        order[call["index"]] = size
    else:
        count = new.shape[axis]
        part = (call.get("start"), call.get("end"), call.get("step", 1))
        order = torch.slice_scatter(order, size + torch.arange(count), 0, *part)
    if order.tolist() == list(range(size, 2 * size)):
        return new
    wide = (*x.shape[:axis], size + new.shape[axis], *x.shape[axis + 1 :])
    joined = call.emit(Concat(dim=axis + 1), [x, new], wide)
    return gathered(call, joined, axis, order.tolist())


def _copied(call: Call) -> Any:
    new = call["src"]
    return new if isinstance(new, Value) and new.shape == call.shape else copied(call)


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
