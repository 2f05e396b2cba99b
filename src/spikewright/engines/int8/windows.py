"""Pools over codes in bytes, images with their channels last: means as sums with one divisor, and maxima."""

import numpy as np
import torch
from torch import Tensor

from spikewright.ann.ops import Averaging, EvenWindows
from spikewright.ann.ops.pools import MaxPool
from spikewright.engines.int8.loops import largest_of_windows, sum_windows
from spikewright.engines.int8.terms import Form, empty


def even_window(op: Averaging, given: Form) -> EvenWindows | None:
    """The windows of an averaging of bytes [C, H, W], or None where they divide differently or it is none of these."""
    if len(given.shape) != 3 or not given.plain or given.terms[0].dtype != torch.uint8:
        return None
    windows = op.even_windows(given.shape)
    return windows if windows is not None and len(windows.kernel) == 2 else None


def sums(codes: Tensor, window: EvenWindows, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """uint8 [N, C, H, W], laid out → the sum of each window, [N, *shape], in a type that holds it."""
    image = shape if len(shape) == 3 else (shape[0], 1, 1)
    out = empty(len(codes), image, dtype)
    sum_windows(_pixels(out), _pixels(codes), _pair(window.kernel), _pair(window.stride), _pair(window.padding))
    return out.view(len(codes), *shape) if image != shape else out


POOLS = frozenset({MaxPool})  # those that `largest` knows


def largest(codes: Tensor, pool: MaxPool, shape: tuple[int, ...]) -> Tensor:
    """Codes [N, C, H, W], laid out → the largest of each window, [N, *shape]."""
    out = empty(len(codes), shape, codes.dtype)
    geometry = (_pair(pool.kernel), _pair(pool.stride), _pair(pool.padding), _pair(pool.dilation))
    largest_of_windows(_pixels(out), _pixels(codes), *geometry)
    return out


def _pair(numbers: tuple[int, ...]) -> tuple[int, int]:
    return numbers[0], numbers[1]


def _pixels(x: Tensor) -> np.ndarray:
    """A view [N, H, W, C]; sizes of 1 may have any stride, so the strides are given."""
    n, channels, height, width = x.shape
    strides = (height * width * channels, width * channels, channels, 1)
    return x.as_strided((n, height, width, channels), strides, x.storage_offset()).numpy()
