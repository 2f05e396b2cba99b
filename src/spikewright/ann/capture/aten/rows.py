"""Tensors whose first axis is not the batch's but the second is: a row of values, each of which begins with the batch.

So `stack(x).sum(0)` is a sum, and the `permute(2, 0, 3, 1, 4)` by which attention parts queries, keys and values is a
slice and a permutation of each. Whatever takes such a tensor as a whole is refused.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch

from spikewright.ann.capture.aten.call import MIXES, Emit, Refused, Value, tuple_of
from spikewright.ann.ops.arithmetic import Add, Scale
from spikewright.ann.ops.moves import Permute, Reshape, Slice

MOST_ROWS = 16  # each is a node of its own


class Rows(NamedTuple):
    """What lies along the first axis."""

    values: tuple[Value, ...]


def in_rows(target: str, arguments: Mapping[str, Any], emit: Emit) -> Any:
    """What a call makes where its result, or what it reads, is rows; None: neither is.

    Raises:
        Refused: it reads rows, and does not take one of them or their sum.
    """
    read = arguments.get("self", arguments.get("input"))
    if isinstance(read, Rows):
        return _of_rows(target, arguments, read, emit)
    if target == "stack":
        parts = arguments["tensors"]
        laid = arguments.get("dim", 0) in (0, -1 - len(getattr(parts[0], "shape", ())) - 1)
        return Rows(tuple(parts)) if laid and all(isinstance(part, Value) for part in parts) else None
    order = _order(target, arguments, read)
    if order is not None and order[1:2] == [0] and read.shape[order[0] - 1] <= MOST_ROWS:
        return Rows(tuple(_row(read, order, place, emit) for place in range(read.shape[order[0] - 1])))
    if any(isinstance(each, Rows) for value in arguments.values() for each in _parts(value)):
        raise _whole(target)
    return None


def _parts(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _whole(target: str) -> Refused:
    what = f"{target} of a tensor whose first axis is not the batch's"
    return Refused(what, "keep the first axis for the batch", MIXES)


def _of_rows(target: str, arguments: Mapping[str, Any], read: Rows, emit: Emit) -> Any:
    given, values = arguments.get("dim", 0), read.values
    dims = [dim % (len(values[0].shape) + 2) for dim in tuple_of(0 if given is None else given, 1)]
    if dims != [0]:
        raise _whole(target)
    if target == "unbind":
        return list(values)
    if target == "select":
        return values[arguments["index"]]
    if target in ("sum", "mean") and not arguments.get("keepdim", False) and given is not None:
        total = values[0] if len(values) == 1 else emit(Add(), values, values[0].shape)
        if target == "sum":
            return total
        return emit(Scale(), [total], total.shape, weight=torch.tensor(1 / len(values)))
    raise _whole(target)


def _order(target: str, arguments: Mapping[str, Any], read: Any) -> list[int] | None:
    """Which axes come in which order, for what only permutes a value."""
    if not isinstance(read, Value):
        return None
    rank = len(read.shape) + 1
    if target == "permute":
        return [dim % rank for dim in arguments["dims"]]
    if target != "transpose":
        return None
    order, (first, second) = list(range(rank)), (arguments["dim0"] % rank, arguments["dim1"] % rank)
    order[first], order[second] = second, first
    return order


def _row(x: Value, order: list[int], place: int, emit: Emit) -> Value:
    """One place of the axis that comes first, the others in their order."""
    axis = order[0]
    thin = (*x.shape[: axis - 1], 1, *x.shape[axis:])
    part = x if x.shape == thin else emit(Slice(dim=axis, start=place, stop=place + 1), [x], thin)
    shape = (*x.shape[: axis - 1], *x.shape[axis:])
    part = emit(Reshape(shape=shape), [part], shape)
    dims = tuple(dim - (dim > axis) for dim in order[1:])
    if dims == tuple(range(len(dims))):
        return part
    return emit(Permute(dims=dims), [part], tuple(shape[dim - 1] for dim in dims[1:]))
