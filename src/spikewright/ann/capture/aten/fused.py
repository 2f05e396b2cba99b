"""Operations that are several others in one: each is translated by the translations of its parts.

Source: attention is Vaswani et al., "Attention Is All You Need", 2017, eq. 1, as torch defines
`scaled_dot_product_attention`.
"""

import math
from typing import Any

import torch
from torch import Tensor

from spikewright.ann.capture.aten import translations as table
from spikewright.ann.capture.aten.call import Call, Refused, Translate, Value


def _part(call: Call, target: str, shape: tuple[int, ...], **arguments: Any) -> Any:
    """What another operation makes of values and constants."""
    return table.translations()[target](call._replace(target=target, arguments=arguments, shape=shape))


def _features(value: Any, call: Call) -> tuple[int, ...]:
    """The shape of a value without the batch; of a constant, of as many axes as it has."""
    if isinstance(value, Value):
        return value.shape
    shape = tuple(value.shape) if isinstance(value, Tensor) else ()
    return shape[1:] if len(shape) > len(call.shape) else shape


def _sum_with_product(call: Call) -> Value:
    """Of a, b and c: a + v·b·c, and a + v·b/c."""
    first, second, factor = call["tensor1"], call["tensor2"], call.get("value", 1)
    target = "mul" if call.target == "addcmul" else "div"
    if isinstance(first, Value) or isinstance(second, Value):
        shape = tuple(torch.broadcast_shapes(_features(first, call), _features(second, call)))
        product = _part(call, target, shape, self=first, other=second)
    else:
        product = first * second if target == "mul" else first / second
    return _part(call, "add", call.shape, self=call["self"], other=product, alpha=factor)


def _attention(call: Call) -> Value:
    """softmax(q·kᵀ·s + mask)·v over the last two axes."""
    query, key, value, mask = call["query"], call["key"], call["value"], call.get("attn_mask")
    if call.get("dropout_p", 0.0):
        raise Refused("an attention whose dropout stays on", "give dropout_p=0 in eval mode", "its result is random")
    if isinstance(mask, Tensor) and mask.dtype == torch.bool and bool(mask.all()):
        mask = None  # it leaves nothing out
    finite = isinstance(mask, Tensor) and mask.is_floating_point() and bool(mask.isfinite().all())
    if call.get("is_causal", False) or not (mask is None or finite) or call.get("enable_gqa", False):
        raise Refused(
            "an attention with a mask that leaves places out, or with fewer heads of keys than of queries",
            "convert it for inputs of one length, without a mask",
        )
    if not all(isinstance(each, Value) for each in (query, key, value)):
        raise Refused("an attention over constants", "write it as a matrix product and a softmax")
    turned_shape = (*key.shape[:-2], key.shape[-1], key.shape[-2])
    turned = _part(call, "transpose", turned_shape, self=key, dim0=-2, dim1=-1)
    shape = (*query.shape[:-1], key.shape[-2])
    scale = call.get("scale") or 1 / math.sqrt(query.shape[-1])
    scores = _part(call, "matmul", shape, self=query, other=turned)
    scores = _part(call, "mul", shape, self=scores, other=scale)
    if mask is not None:
        scores = _part(call, "add", shape, self=scores, other=mask)
    shares = _part(call, "softmax", shape, self=scores, dim=-1)
    return _part(call, "matmul", call.shape, self=shares, other=value)


TRANSLATIONS: dict[str, Translate] = {
    "addcmul": _sum_with_product,
    "addcdiv": _sum_with_product,
    "scaled_dot_product_attention": _attention,
}
