"""Bytes times signed bytes through oneDNN's quantised products: u8 codes · s8 weights, summed in 32 bits.

The operations are not public (`torch.ops.onednn`), so nothing is presumed of them: they are tried once a process with
the codes and weights that go wrong first, and once more with the weights and the geometry of each node that wants one.
Without VNNI pairs of products are summed in 16 bits and saturate: there the trial finds codes up to 127 right and up
to 255 wrong, and larger codes are kept out. Results come as float32 (the 32-bit sum, converted), so sums have to stay
below 2^24. oneDNN's own rounding to bytes is never used: it rounds half to even, and a tie has to fire.
"""

import functools
from collections.abc import Callable

import torch
from torch import Tensor

from spikewright.ann import ops
from spikewright.ann.ops.products import Conv, Linear
from spikewright.snn.nodes import Node

Product = Callable[[Tensor], Tensor]

FLOAT32_EXACT = 2**24
_PROBED = (255, 127)  # largest codes that are tried
_TRIED = 2  # samples of a node's own trial


@functools.cache
def largest_code() -> int:
    """The largest code that products of bytes are exact for on this machine; 0 where there are no such products."""
    return next((most for most in _PROBED if _exact(most)), 0)


def byte_product(node: Node, weight: Tensor, shape: tuple[int, ...], *, read: float, total: float) -> Product | None:
    """The product of a node as one of bytes, or None where that is not possible or not exact.

    Args:
        node: with a `Linear` or a `Conv`.
        weight: its integers.
        shape: of one sample that it reads.
        read: the largest code it reads; none is negative.
        total: the largest magnitude of its sums.

    Returns:
        uint8 [N, *shape] → float32 integers [N, *node.shape].
    """
    if read > largest_code() or total >= FLOAT32_EXACT or not _fits(node, weight, shape):
        return None
    try:
        product = _BYTE_PRODUCTS[type(node.op)](node.op, weight)
        with torch.inference_mode():
            return product if _right(node, product, weight, shape, int(read)) else None
    except (RuntimeError, AttributeError, TypeError, NotImplementedError):
        return None


def _fits(node: Node, weight: Tensor, shape: tuple[int, ...]) -> bool:
    if bool((weight < -128).any() or (weight > 127).any()):
        return False
    op = node.op
    if type(op) not in _BYTE_PRODUCTS or not isinstance(op, ops.Product):
        return False
    return len(shape) == 1 if op.space == 0 else op.space == 2 and op.outputs_come_first


def _convolution(op: Conv, weight: Tensor) -> Product:
    ones, zeros = _scales(len(weight))
    # Two products with a scale of 1 and no shift leave the sum as it is
    packed = torch.ops.onednn.qconv_prepack(
        weight.to(torch.int8), ones, 1.0, 0, op.stride, op.padding, op.dilation, op.groups, None
    )

    def product(codes: Tensor) -> Tensor:
        return torch.ops.onednn.qconv_pointwise(
            codes, 1.0, 0, packed, ones, zeros, None, op.stride, op.padding, op.dilation, op.groups,
            1.0, 0, torch.float32, "none", [], "",
        )  # fmt: skip

    return product


def _matrix(op: Linear, weight: Tensor) -> Product:  # noqa: ARG001
    ones, zeros = _scales(len(weight))
    packed = torch.ops.onednn.qlinear_prepack(weight.to(torch.int8), None)

    def product(codes: Tensor) -> Tensor:
        return torch.ops.onednn.qlinear_pointwise(
            codes, 1.0, 0, packed, ones, zeros, None, 1.0, 0, torch.float32, "none", [], ""
        )

    return product


_BYTE_PRODUCTS: dict[type, Callable[..., Product]] = {Linear: _matrix, Conv: _convolution}


def _scales(channels: int) -> tuple[Tensor, Tensor]:
    return torch.ones(channels), torch.zeros(channels, dtype=torch.int32)


def _right(node: Node, product: Product, weight: Tensor, shape: tuple[int, ...], most: int) -> bool:
    """Whether a product equals the exact one, on codes that are all as large as can be and on any codes."""
    generator = torch.Generator().manual_seed(0)
    codes = torch.randint(0, most + 1, (_TRIED + 1, *shape), generator=generator, dtype=torch.uint8)
    codes[0] = most
    if len(shape) == 3:
        codes = codes.contiguous(memory_format=torch.channels_last)
    found, exact = product(codes), node.op([codes.double()], weight.double())
    return found.dtype == torch.float32 and found.shape == exact.shape and torch.equal(found.double(), exact)


def _exact(most: int) -> bool:
    """Whether products are exact with codes up to `most`, and weights of either sign at their largest."""
    generator = torch.Generator().manual_seed(most)
    codes = torch.randint(0, most + 1, (4, 64), generator=generator, dtype=torch.uint8)
    codes[0] = most
    weight = torch.randint(-128, 128, (32, 64), generator=generator)
    weight[0], weight[1] = 127, -128
    image = codes.reshape(4, 64, 1, 1).expand(4, 64, 6, 6).contiguous(memory_format=torch.channels_last)
    kernel = weight.reshape(32, 64, 1, 1).expand(32, 64, 3, 3).contiguous()
    conv = Conv(stride=(1, 1), padding=(1, 1), dilation=(1, 1))
    try:
        with torch.inference_mode():
            lines = torch.equal(_matrix(Linear(), weight)(codes).long(), codes.long() @ weight.long().T)
            exact = torch.nn.functional.conv2d(image.double(), kernel.double(), padding=1)
            return lines and torch.equal(_convolution(conv, kernel)(image).double(), exact)
    except (RuntimeError, AttributeError, TypeError, NotImplementedError):
        return False
