"""Any operation that only copies values and puts constants among them: torch's own answer to numbered places.

It runs twice on places 0, 1, 2, … of its signals, the second time on numbers that are larger by more than there are
places. What grew by that much is the value of a place; what stayed is a constant; anything else is no copy.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from spikewright.ann.capture.aten.call import Call, Refused, Translate, Value
from spikewright.ann.ops.activations import Offset
from spikewright.ann.ops.arithmetic import Add, Scale
from spikewright.ann.ops.moves import Concat, Gather, Reshape, ZeroPad


class Copied(NamedTuple):
    """What a result is made of, one sample [*features] each."""

    place: Tensor  # int64, counted on from signal to signal; −1 where it is a constant
    constant: Tensor  # 0 where it is a place


def gathered(call: Call, x: Value, axis: int, index: Sequence[int]) -> Value:
    """Places of a feature axis (without the batch), as they are named."""
    if list(index) == list(range(x.shape[axis])):
        return x
    shape = (*x.shape[:axis], len(index), *x.shape[axis + 1 :])
    return call.emit(Gather(dim=axis + 1, index=tuple(index)), [x], shape)


def copied(call: Call) -> Any:
    """The value, or the list of values, of an operation of copies; a constant where no signal is left in it.

    Raises:
        Refused: it computes something, or torch cannot run it on one sample.
    """
    signals = list(dict.fromkeys(_signals(call.arguments.values())))
    found = [_emitted(call, signals, one) for one in _answers(call, signals)]
    return found[0] if _single(call) else found


def _single(call: Call) -> bool:
    return call.target not in {"unbind"}


def _signals(arguments: Any) -> Any:
    for value in arguments:
        if isinstance(value, Value):
            yield value
        elif isinstance(value, list | tuple):
            yield from _signals(value)


def _answers(call: Call, signals: Sequence[Value]) -> list[Copied]:
    counts = [math.prod(signal.shape) for signal in signals]
    total = sum(counts)
    starts = dict(zip(signals, (sum(counts[:index]) for index in range(len(counts))), strict=True))

    def answer(shift: int) -> list[Tensor]:
        def given(value: Any) -> Any:
            if isinstance(value, Value):
                places = torch.arange(math.prod(value.shape), dtype=torch.float64) + starts[value] + shift
                return places.reshape(1, *value.shape)
            if isinstance(value, Tensor) and value.is_floating_point():
                return value.double()
            return [given(each) for each in value] if isinstance(value, list | tuple) else value

        made = getattr(torch.ops.aten, call.target)(**{name: given(value) for name, value in call.arguments.items()})
        return [made] if isinstance(made, Tensor) else list(made)

    shift = total + 1
    try:
        pairs = list(zip(answer(0), answer(shift), strict=True))
    except (RuntimeError, TypeError, IndexError, ValueError):
        raise Refused(
            f"{call.target} of more than one sample's own values", "keep the first axis for the batch"
        ) from None
    return [_told_apart(call, one[0], other[0], shift, total) for one, other in pairs]


def _told_apart(call: Call, one: Tensor, other: Tensor, shift: int, total: int) -> Copied:
    grown = other - one == shift
    place = torch.where(grown, one, -1.0)
    whole = bool((place == place.round()).all()) and bool((place < total).all())
    if not whole or not bool((grown | (one == other)).all()) or not bool(one.isfinite().all()):
        raise Refused(
            f"{call.target} that does more than copy values", "use constant masks and places, and finite numbers"
        )
    return Copied(place.long(), torch.where(grown, 0.0, one).to(torch.get_default_dtype()))


def _emitted(call: Call, signals: Sequence[Value], made: Copied) -> Any:
    if bool((made.place < 0).all()):
        return made.constant.unsqueeze(0)
    value = _masked(call, signals, made) or _by_axes(call, signals, made) or _flat(call, signals, made)
    if bool(made.constant.any()):
        value = call.emit(Offset(), [value], value.shape, offset=made.constant)
    return value


def _masked(call: Call, signals: Sequence[Value], made: Copied) -> Value | None:
    """Values in their own places or none, as products with masks of 0 and 1; None: some have moved."""
    shape, count = tuple(made.place.shape), made.place.numel()
    own = torch.arange(count).reshape(shape)
    if any(signal.shape != shape for signal in signals):
        return None
    masks = [made.place == own + index * count for index in range(len(signals))]
    if not torch.equal(torch.stack(masks).sum(0), (made.place >= 0).long()):
        return None
    parts = []
    for signal, mask in zip(signals, masks, strict=True):
        if bool(mask.all()):
            parts.append(signal)
        elif bool(mask.any()):
            weight = mask.to(torch.get_default_dtype())
            parts.append(call.emit(Scale(), [signal], shape, weight=weight))
    return parts[0] if len(parts) == 1 else call.emit(Add(), parts, shape)


def _by_axes(call: Call, signals: Sequence[Value], made: Copied) -> Value | None:
    """Places of one axis after the other; None: which ones differs from place to place."""
    x, shape = signals[0], tuple(made.place.shape)
    if len(signals) > 1 or len(x.shape) != len(shape) or not shape or bool((made.place < 0).any()):
        return None
    lines = []
    for axis, along in enumerate(torch.unravel_index(made.place, x.shape)):
        line = along.movedim(axis, 0).reshape(shape[axis], -1)
        if not bool((line == line[:, :1]).all()):
            return None
        lines.append(line[:, 0].tolist())
    for axis, line in enumerate(lines):
        x = gathered(call, x, axis, line)
    return x


def _flat(call: Call, signals: Sequence[Value], made: Copied) -> Value:
    """All places in one row, and from there; what is constant takes a 0 that stands behind them."""
    shape, counts = tuple(made.place.shape), [math.prod(signal.shape) for signal in signals]
    total = sum(counts)
    rows = [call.emit(Reshape(shape=(n,)), [each], (n,)) for each, n in zip(signals, counts, strict=True)]
    row = rows[0] if len(rows) == 1 else call.emit(Concat(dim=1), rows, (total,))
    if bool((made.place < 0).any()):
        row = call.emit(ZeroPad(pads=(0, 1)), [row], (total + 1,))
    index = torch.where(made.place < 0, total, made.place).flatten().tolist()
    row = gathered(call, row, 0, index)
    return row if row.shape == shape else call.emit(Reshape(shape=shape), [row], shape)


def _made(call: Call) -> Tensor:
    """A constant in the shape of a signal."""
    value = 0.0 if "zeros" in call.target else 1.0 if "ones" in call.target else call["fill_value"]
    return torch.full((1, *call.shape), float(value))


TRANSLATIONS: dict[str, Translate] = {
    **dict.fromkeys(
        (
            "where", "masked_fill", "fill", "index_put", "index", "gather", "take_along_dim", "tile", "tril", "triu",
            "repeat_interleave", "im2col", "unfold", "diagonal", "fliplr", "flipud", "rot90", "hstack", "vstack",
            "unbind", "masked_scatter", "index_fill", "index_copy", "scatter", "diagonal_scatter",
        ),
        copied,
    ),
    **dict.fromkeys(("zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full"), _made),
}  # fmt: skip
