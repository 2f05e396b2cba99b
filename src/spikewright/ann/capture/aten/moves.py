"""What moves values and computes nothing."""

import math
from itertools import pairwise
from typing import Any

import torch
from torch.nn import functional as F

from spikewright.ann.capture.aten.call import Call, Refused, Translate, Value, feature_axis
from spikewright.ann.capture.aten.copies import padded, whole_slice
from spikewright.ann.capture.aten.places import gathered
from spikewright.ann.ops.activations import Offset
from spikewright.ann.ops.moves import Concat, Permute, Reshape, Slice, ZeroPad


def _concat(call: Call) -> Value:
    parts = call["tensors"]
    dim = feature_axis(call.get("dim", 0), len(call.shape) + 1)
    if all(isinstance(part, Value) for part in parts):
        return call.emit(Concat(dim=dim), parts, call.shape)
    return _with_constants(call, parts, dim - 1)


def _with_constants(call: Call, parts: list[Any], axis: int) -> Value:
    """Signals and constants along an axis: zeros where the constants are, and these added."""
    sizes = [part.shape[axis + (not isinstance(part, Value))] for part in parts]
    signals = [index for index, part in enumerate(parts) if isinstance(part, Value)]
    shape, first, last = call.shape, signals[0], signals[-1]
    inner = sum(sizes[index] for index in signals)
    x = parts[first]
    if len(signals) > 1:
        joined = (*shape[:axis], inner, *shape[axis + 1 :])
        x = call.emit(Concat(dim=axis + 1), [parts[index] for index in signals], joined)
    trailing = (0, 0) * (len(shape) - 1 - axis)
    if last - first + 1 == len(signals):
        x = call.emit(ZeroPad(pads=(*trailing, sum(sizes[:first]), sum(sizes[last + 1 :]))), [x], shape)
    else:
        x = call.emit(ZeroPad(pads=(*trailing, 0, sum(sizes) - inner)), [x], shape)
        places, zeros = iter(range(inner)), iter(range(inner, sum(sizes)))
        order = [next(places if index in signals else zeros) for index, n in enumerate(sizes) for _ in range(n)]
        x = gathered(call, x, axis, order)
    filled = [torch.zeros(1, *p.shape) if isinstance(p, Value) else p.to(torch.get_default_dtype()) for p in parts]
    if any(len(each) != 1 for each in filled):
        raise Refused("a constant that differs along the batch", "keep constants the same for every sample")
    constant = torch.cat(filled, axis + 1)[0]
    return call.emit(Offset(), [x], shape, offset=constant) if bool(constant.any()) else x


def _reshape(call: Call) -> Value:
    x = call["self"]
    return x if x.shape == call.shape else call.emit(Reshape(shape=call.shape), [x], call.shape)


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
    return x if dims == tuple(range(rank)) else call.emit(Permute(dims=dims), [x], call.shape)


def _slice(call: Call) -> Any:
    x = call["self"]
    dim = call.get("dim", 0)
    if call.target == "slice" and dim % (len(x.shape) + 1) == 0 and whole_slice(call):
        return x
    dim = feature_axis(dim, len(x.shape) + 1)
    size = x.shape[dim - 1]

    def part(start: int, stop: int, step: int = 1) -> Value:
        start, stop, _ = slice(start, stop, step).indices(size)
        if (start, stop, step) == (0, size, 1):
            return x
        shape = (*x.shape[: dim - 1], len(range(start, stop, step)), *x.shape[dim:])
        return call.emit(Slice(dim=dim, start=start, stop=stop, step=step), [x], shape)

    if call.target == "slice":
        return part(call.get("start", 0), min(call.get("end", size), size), call.get("step", 1))
    if call.target == "narrow":
        return part(call["start"], call["start"] + call["length"])
    if call.target == "select":
        index = call["index"] % size
        return call.emit(Reshape(shape=call.shape), [part(index, index + 1)], call.shape)
    sizes = call.get("split_sizes", call.get("split_size"))
    if call.target == "chunk":
        sizes = math.ceil(size / call["chunks"])
    bounds = [0]
    while bounds[-1] < size:
        bounds.append(min(size, bounds[-1] + (sizes if isinstance(sizes, int) else sizes[len(bounds) - 1])))
    return [part(a, b) for a, b in pairwise(bounds)]


def _pad(call: Call) -> Value:
    pads, mode = tuple(call["pad"]), call.get("mode", "constant")
    if mode != "constant":
        return padded(call, call["self"], pads, mode)
    if len(pads) >= 2 * (len(call.shape) + 1) and any(pads[2 * len(call.shape) :]):
        raise Refused("padding of the batch axis", "keep the first axis for the batch")
    x, pads, value = call["self"], pads[: 2 * len(call.shape)], float(call.get("value", 0))
    made = call.emit(ZeroPad(pads=pads), [x], call.shape)
    if value == 0:
        return made
    if not math.isfinite(value):
        raise Refused(f"padding with {value}", "pad with a finite number")
    return call.emit(Offset(), [made], call.shape, offset=F.pad(torch.zeros(x.shape), pads, value=value))


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


TRANSLATIONS: dict[str, Translate] = {
    "cat": _concat,
    "view": _reshape,
    "reshape": _reshape,
    "_unsafe_view": _reshape,
    "flatten": _reshape,
    "unflatten": _reshape,
    "squeeze": _reshape,
    "unsqueeze": _reshape,
    "_reshape_copy": _reshape,
    "view_copy": _reshape,
    "permute": _permute,
    "transpose": _permute,
    "t": _permute,
    "slice": _slice,
    "split": _slice,
    "split_with_sizes": _slice,
    "chunk": _slice,
    "select": _slice,
    "narrow": _slice,
    "constant_pad_nd": _pad,
    "pad": _pad,
    "clone": _pass,
    "alias": _pass,
    "contiguous": _pass,
    "detach": _pass,
    "lift_fresh_copy": _pass,
    "dropout": _pass,
    "native_dropout": _pass,
    "feature_dropout": _pass,
    "alpha_dropout": _pass,
    "_to_copy": _pass,
    "to": _pass,
    "identity": _pass,
}
