"""Products with constant weights; matrix products of two signals."""

from torch import Tensor

from spikewright.ann.capture.aten.call import Call, Refused, Translate, Value, tuple_of
from spikewright.ann.capture.aten.contractions import matrix_product
from spikewright.ann.capture.aten.graded import matmul
from spikewright.ann.ops.moves import ZeroPad
from spikewright.ann.ops.products import Conv, Linear


def _convolution(call: Call) -> Value:
    x, weight = call["input"], call["weight"]
    if not isinstance(weight, Tensor):
        raise Refused("a convolution whose weights are computed from the input", "use constant weights")
    count = weight.dim() - 2
    stride, dilation = tuple_of(call.get("stride", 1), count), tuple_of(call.get("dilation", 1), count)
    transposed = bool(call.get("transposed", "transpose" in call.target))
    padding = call.get("padding", 0)
    if isinstance(padding, str):
        total = [d * (k - 1) if padding == "same" else 0 for d, k in zip(dilation, weight.shape[2:], strict=True)]
        if any(t % 2 for t in total):
            pads = tuple(p for t in reversed(total) for p in (t // 2, t - t // 2))
            wide = (x.shape[0], *(s + t for s, t in zip(x.shape[1:], total, strict=True)))
            x = call.emit(ZeroPad(pads=pads), [x], wide)
            total = [0] * count
        padding = [t // 2 for t in total]
    op = Conv(
        stride=stride,
        padding=tuple_of(padding, count),
        dilation=dilation,
        groups=call.get("groups", 1),
        transposed=transposed,
        output_padding=tuple_of(call.get("output_padding", 0), count) if transposed else (),
    )
    return call.emit(op, [x], call.shape, weight=weight, bias=call.get("bias"))


def _linear(call: Call) -> Value:
    if not isinstance(call["weight"], Tensor) or not isinstance(call["input"], Value):
        raise Refused("a linear map whose weights are computed from the input", "write x @ w")
    return call.emit(Linear(), [call["input"]], call.shape, weight=call["weight"], bias=call.get("bias"))


def _matmul(call: Call) -> Value:
    left, right = (
        (call["mat1"], call["mat2"])
        if "mat1" in call.arguments
        else (call["self"], call.get("other", call.get("mat2")))
    )
    constant = left if isinstance(left, Tensor) else right if isinstance(right, Tensor) else None
    if constant is not None and call.target == "matmul" and (constant is left or constant.dim() != 2):
        return matrix_product(call, left, right)
    if isinstance(left, Value) and isinstance(right, Value) and "mat1" not in call.arguments:
        return matmul(call, left, right)
    if not isinstance(left, Value) or not isinstance(right, Tensor) or right.dim() != 2:
        raise Refused("a matrix product that is not of a signal with a constant matrix, x @ w", "use nn.Linear")
    if call.get("beta", 1) != 1 or call.get("alpha", 1) != 1:
        raise Refused("a matrix product with alpha or beta", "write the products out")
    bias = call["self"] if call.target == "addmm" else None
    if isinstance(bias, Value):
        raise Refused("a matrix product added to a signal by addmm", "write x @ w + y")
    return call.emit(Linear(), [left], call.shape, weight=right.T.contiguous(), bias=bias)


TRANSLATIONS: dict[str, Translate] = {
    "conv1d": _convolution,
    "conv2d": _convolution,
    "conv3d": _convolution,
    "convolution": _convolution,
    "conv_transpose1d": _convolution,
    "conv_transpose2d": _convolution,
    "conv_transpose3d": _convolution,
    "linear": _linear,
    "matmul": _matmul,
    "mm": _matmul,
    "addmm": _matmul,
}
