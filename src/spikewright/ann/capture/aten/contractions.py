"""Sums over products with a constant, by the letters of their axes: einsum, matrix products, cumulative sums.

    out[n, …] = Σ signal[n, …] · constant[…]
What both share and is summed is the axis of a matrix product; what both share and stays is a factor, alone a `Scale`.
"""

import math
import string
from typing import Any

import torch
from torch import Tensor

from spikewright.ann.capture.aten.call import Call, Refused, Translate, Value, feature_axis, tuple_of
from spikewright.ann.capture.aten.graded import matmul
from spikewright.ann.ops.arithmetic import Scale
from spikewright.ann.ops.moves import Permute, Reshape
from spikewright.ann.ops.products import Conv, Linear


def contracted(call: Call, x: Value, constant: Tensor, letters: tuple[str, str, str]) -> Value:
    """A signal [N, *] and a constant, by the letters of the axes of the signal, of the constant, and of the result.

    Raises:
        Refused: the batch is not the first axis of both, or is one of the constant's.
    """
    signal, own, out = letters
    batch = signal[0]
    if out[:1] != batch or len(set(signal)) < len(signal) or len(set(own)) < len(own):
        raise Refused(f"{call.target} along the batch axis, or of a diagonal", "keep the first axis for the batch")
    if batch in own:
        if constant.shape[own.index(batch)] != 1:
            raise Refused("a constant that differs along the batch", "keep constants the same for every sample")
        constant, own = constant.squeeze(own.index(batch)), own.replace(batch, "")
    sizes = dict(zip(signal[1:], x.shape, strict=True))
    for letter in [each for each in own if each not in signal + out]:
        constant, own = constant.sum(own.index(letter)), own.replace(letter, "")
    for letter in [each for each in signal if each not in own + out]:  # a sum over what the constant lacks
        constant, own = constant.unsqueeze(-1).expand(*constant.shape, sizes[letter]), own + letter
    summed = [each for each in own if each not in out]
    shared = [each for each in own if each in signal and each in out]
    if not summed and len(shared) == len(own):
        return _scaled(call, x, constant, (signal, own, out))
    for letter in shared:  # each place of it for itself: a product with zeros elsewhere
        fresh = next(each for each in string.ascii_letters if each not in signal + own + out)
        constant = torch.diag_embed(constant.movedim(own.index(letter), -1))
        own, out = own.replace(letter, "") + letter + fresh, out.replace(letter, fresh)
        summed.append(letter)
    return _product(call, x, constant, (signal, own, out), summed)


def _scaled(call: Call, x: Value, constant: Tensor, letters: tuple[str, str, str]) -> Value:
    """No sum: a factor for each place."""
    signal, own, out = letters
    x = _permuted(call, x, signal, out)
    order = [own.index(letter) for letter in out if letter in own]
    spread = [constant.shape[own.index(letter)] if letter in own else 1 for letter in out[1:]]
    return call.emit(Scale(), [x], x.shape, weight=constant.permute(order).reshape(spread).contiguous())


def _product(call: Call, x: Value, constant: Tensor, letters: tuple[str, str, str], summed: list[str]) -> Value:
    """A matrix product over all that is summed, as one axis."""
    signal, own, out = letters
    places = [each for each in signal[1:] if each not in summed]
    made = [each for each in out if each not in signal]
    x = _permuted(call, x, signal, signal[0] + "".join((*places, *summed)))
    stay = x.shape[: len(places)]
    weight = constant.permute([own.index(each) for each in (*made, *summed)])
    sizes = weight.shape[: len(made)]
    weight = weight.reshape(math.prod(sizes), -1).contiguous()
    x = _reshaped(call, x, (*stay, weight.shape[1]))
    x = call.emit(Linear(), [x], (*stay, weight.shape[0]), weight=weight)
    x = _reshaped(call, x, (*stay, *sizes))
    return _permuted(call, x, signal[0] + "".join((*places, *made)), out)


def _permuted(call: Call, x: Value, given: str, wanted: str) -> Value:
    if given == wanted:
        return x
    dims = tuple(given.index(letter) for letter in wanted)
    return call.emit(Permute(dims=dims), [x], tuple(x.shape[dim - 1] for dim in dims[1:]))


def _reshaped(call: Call, x: Value, shape: tuple[int, ...]) -> Value:
    return x if x.shape == shape else call.emit(Reshape(shape=shape), [x], shape)


def _two(call: Call, left: Any, right: Any, letters: tuple[str, str, str]) -> Value:
    """Of two operands in either order, one of them constant."""
    if isinstance(left, Value) and isinstance(right, Tensor):
        return contracted(call, left, right, letters)
    if isinstance(right, Value) and isinstance(left, Tensor):
        return contracted(call, right, left, (letters[1], letters[0], letters[2]))
    raise Refused(f"{call.target} of two signals", "multiply signals by constants, and fine-tune")


def matrix_product(call: Call, left: Any, right: Any) -> Value:
    """`left @ right`, one of them a signal [N, *], the other a constant."""
    ranks = [len(each.shape) + isinstance(each, Value) for each in (left, right)]
    ahead = string.ascii_uppercase[: max(*ranks, 2) - 2]
    first = (ahead[len(ahead) - (ranks[0] - 2) :] if ranks[0] > 2 else "") + ("ij"[-min(ranks[0], 2) :])
    second = (ahead[len(ahead) - (ranks[1] - 2) :] if ranks[1] > 2 else "") + "jk"[: min(ranks[1], 2)]
    out = ahead + ("i" if ranks[0] > 1 else "") + ("k" if ranks[1] > 1 else "")
    constant, own = (left, first) if isinstance(left, Tensor) else (right, second)
    if isinstance(constant, Tensor):  # what is broadcast has no axis
        for letter in [each for each in own if each in ahead and constant.shape[own.index(each)] == 1]:
            constant, own = constant.squeeze(own.index(letter)), own.replace(letter, "")
        left, first, right, second = (
            (constant, own, right, second) if isinstance(left, Tensor) else (left, first, constant, own)
        )
    return _two(call, left, right, (first, second, out))


def _bmm(call: Call) -> Value:
    left, right = call["self"], call["mat2"]
    if isinstance(left, Value) and isinstance(right, Value):
        return matmul(call, left, right)
    return matrix_product(call, left, right)


def _einsum(call: Call) -> Value:
    equation, operands = call["equation"].replace(" ", ""), call["tensors"]
    given, arrow, out = equation.partition("->")
    parts = given.split(",")
    if "." in equation or not arrow or len(parts) > 2:
        raise Refused(f"einsum '{equation}'", "name every axis and the result's, of one signal and one constant")
    if len(parts) == 1:
        return contracted(call, operands[0], torch.ones(()), (parts[0], "", out))
    return _two(call, operands[0], operands[1], (parts[0], parts[1], out))


def _tensordot(call: Call) -> Value:
    left, right = call["self"], call["other"]
    ranks = [len(each.shape) + isinstance(each, Value) for each in (left, right)]
    first, second = list(string.ascii_lowercase[: ranks[0]]), list(string.ascii_uppercase[: ranks[1]])
    for one, other in zip(call["dims_self"], call["dims_other"], strict=True):
        second[other] = first[one]
    both = set(first) & set(second)
    out = "".join(each for each in (*first, *second) if each not in both)
    return _two(call, left, right, ("".join(first), "".join(second), out))


def _cumulated(call: Call) -> Value:
    x = call["self"]
    axis = feature_axis(call["dim"], len(x.shape) + 1)
    letters = string.ascii_lowercase[: len(x.shape) + 1]
    own = letters[axis]
    size = x.shape[axis - 1]
    return contracted(call, x, torch.ones(size, size).triu(), (letters, f"{own}Z", letters.replace(own, "Z")))


def _folded(call: Call) -> Value:
    """Blocks added where they lie: a transposed convolution whose weights are 1 in one place each."""
    x = call["self"]
    kernel, dilation, padding, stride = (
        tuple_of(call[name], 2) for name in ("kernel_size", "dilation", "padding", "stride")
    )
    size, count = call.shape[1:], math.prod(kernel)
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    blocks = [(n + 2 * p - r) // s + 1 for n, p, r, s in zip(size, padding, reach, stride, strict=True)]
    left = [n - (b - 1) * s + 2 * p - r for n, b, s, p, r in zip(size, blocks, stride, padding, reach, strict=True)]
    x = _reshaped(call, x, (x.shape[0], *blocks))
    channels = x.shape[0] // count
    op = Conv(
        stride=stride, padding=padding, dilation=dilation, groups=channels, transposed=True, output_padding=tuple(left)
    )
    weight = torch.eye(count).reshape(count, 1, *kernel).repeat(channels, 1, 1, 1)
    return call.emit(op, [x], call.shape, weight=weight)


TRANSLATIONS: dict[str, Translate] = {
    "bmm": _bmm,
    "einsum": _einsum,
    "tensordot": _tensordot,
    "cumsum": _cumulated,
    "col2im": _folded,
}
