"""Resampling by constant weights: along each axis of space in turn, a matrix product with torch's own weights."""

import torch
from torch import Tensor
from torch.nn import functional as F

from spikewright.ann.capture.aten.call import Call, Translate, Value
from spikewright.ann.ops.moves import Permute
from spikewright.ann.ops.products import Linear


def _resampled(call: Call) -> Value:
    x = call.get("self", call.get("input"))
    scales = call.get("scale_factors")
    cubic, corners = "bicubic" in call.target, bool(call.get("align_corners", False))
    for axis in range(1, len(call.shape)):
        size, made = x.shape[axis], call.shape[axis]
        # a scale that was given is what places are worked out by, not the ratio of the sizes
        scale = None if not scales else float(scales[axis - 1])
        weight = _weights(size, made, scale, cubic=cubic, corners=corners)
        if not torch.equal(weight, torch.eye(size)):
            x = _along(call, x, axis, weight)
    return x


def _weights(size: int, made: int, scale: float | None, *, cubic: bool, corners: bool) -> Tensor:
    """What each place that is made takes of each that is given, [made, size]: torch's answers to single ones."""
    ones = torch.eye(size)
    if cubic:
        args = (ones.reshape(size, 1, size, 1), [made, 1], corners, scale, None)
        return torch.ops.aten.upsample_bicubic2d(*args).reshape(size, made).T.contiguous()
    if scale is None:
        return F.interpolate(ones.unsqueeze(1), size=made, mode="linear", align_corners=corners)[:, 0].T.contiguous()
    found = torch.ops.aten.upsample_linear1d(ones.unsqueeze(1), [made], corners, scale)
    return found[:, 0].T.contiguous()


def _along(call: Call, x: Value, axis: int, weight: Tensor) -> Value:
    """A matrix product along one axis of the features."""
    rank = len(x.shape)
    dims = list(range(rank + 1))
    dims.append(dims.pop(axis + 1))
    last = axis == rank - 1
    moved = x if last else call.emit(Permute(dims=tuple(dims)), [x], [x.shape[dim - 1] for dim in dims[1:]])
    product = call.emit(Linear(), [moved], (*moved.shape[:-1], len(weight)), weight=weight)
    back = tuple(dims.index(dim) for dim in range(rank + 1))
    shape = (*x.shape[:axis], len(weight), *x.shape[axis + 1 :])
    return product if last else call.emit(Permute(dims=back), [product], shape)


TRANSLATIONS: dict[str, Translate] = dict.fromkeys(
    ("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d"), _resampled
)
