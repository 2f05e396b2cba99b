"""What stands between two integer products, in compiled loops: firing by a closed form, and pools.

    code = clip(⌊Σ_i a_i·x_i + b⌋, 0, top)          x_i sums, integers in floating point or bytes; a_i, b float64
    sums and maxima over windows of codes, in channels-last bytes
Arrays are rows [R, C]. Factors and offsets are [P, C] and repeat every P rows: P is 1 where they are one number a
column, or the rows of one sample. The caller has to know that a floating-point floor is the right one; a·x + b is
rounded to float64 at each operation, and no two operations are fused.

Source: the closed form of "When SNN meets ANN", Eq. 10; see `snn/schedules/two_phase.py`.
"""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numba import njit

_WORTH_A_THREAD = 32_768  # elements; below this another thread costs more than it saves


@njit(cache=True, nogil=True, error_model="numpy")
def _fire_one(out, x, a, b, top, first, last):
    period = len(b)
    for r in range(first, last):
        xs, target = x[r], out[r]
        gain, offset = a[r % period], b[r % period]
        for c in range(len(target)):
            u = gain[c] * np.float64(xs[c]) + offset[c]
            target[c] = np.int32(min(max(u, 0.0), top))


@njit(cache=True, nogil=True, error_model="numpy")
def fire_channels(out, x, gain, offset, top):
    """Write the codes clip(⌊gain · x + offset⌋, 0, top), float32, where a whole row has one gain and one offset.

    Args:
        out: float32 [R, L], written.
        x: float32 [R, L].
        gain: float64 [P]; P divides R, row r has that of r mod P.
        offset: float64 [P], v0 inside.
        top: the largest code.
    """
    for r in range(len(out)):
        a, b = gain[r % len(gain)], offset[r % len(gain)]
        xs, target = x[r], out[r]
        for c in range(len(target)):
            u = a * np.float64(xs[c]) + b
            target[c] = np.float32(np.int32(min(max(u, 0.0), top)))


@njit(cache=True, nogil=True, error_model="numpy")
def _fire_two(out, x, y, a, a2, b, top, first, last):
    period = len(b)
    for r in range(first, last):
        xs, ys, target = x[r], y[r], out[r]
        gain, gain2, offset = a[r % period], a2[r % period], b[r % period]
        for c in range(len(target)):
            u = gain[c] * np.float64(xs[c]) + gain2[c] * np.float64(ys[c]) + offset[c]
            target[c] = np.int32(min(max(u, 0.0), top))


@njit(cache=True, nogil=True, error_model="numpy")
def _sum_windows(out, x, kernel, stride, padding, first, last):
    height, width, channels = x.shape[1:]
    total = np.empty(channels, np.int32)
    for n in range(first, last):
        for i in range(out.shape[1]):
            top = i * stride[0] - padding[0]
            for j in range(out.shape[2]):
                left = j * stride[1] - padding[1]
                total[:] = 0
                for h in range(max(top, 0), min(top + kernel[0], height)):
                    for w in range(max(left, 0), min(left + kernel[1], width)):
                        pixel = x[n, h, w]
                        for c in range(channels):
                            total[c] += pixel[c]
                target = out[n, i, j]
                for c in range(channels):
                    target[c] = total[c]


@njit(cache=True, nogil=True, error_model="numpy")
def _largest_of_windows(out, x, kernel, stride, padding, dilation, first, last):
    height, width, channels = x.shape[1:]
    for n in range(first, last):
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                target = out[n, i, j]
                target[:] = 0
                for k in range(kernel[0]):
                    h = i * stride[0] - padding[0] + k * dilation[0]
                    for m in range(kernel[1]):
                        w = j * stride[1] - padding[1] + m * dilation[1]
                        if 0 <= h < height and 0 <= w < width:
                            pixel = x[n, h, w]
                            for c in range(channels):
                                target[c] = max(target[c], pixel[c])


def fire(out: np.ndarray, terms: list[np.ndarray], factors: list[np.ndarray], offset: np.ndarray, levels: int) -> None:
    """Write the codes clip(⌊Σ_i factors_i · terms_i + offset⌋, 0, levels).

    Args:
        out: uint8 or float32 [R, C], written.
        terms: one or two of [R, C], float32, float64 or uint8.
        factors: as many, float64 [P, C]; P divides R.
        offset: float64 [P, C], v0 inside.
        levels: the largest code; what `out` can hold.

    Raises:
        ValueError: more than two terms.
    """
    if len(terms) == 1:
        _shared(len(out), out.size, lambda i, j: _fire_one(out, terms[0], factors[0], offset, float(levels), i, j))
    elif len(terms) == 2:
        (x, y), (a, a2) = terms, factors
        _shared(len(out), out.size, lambda i, j: _fire_two(out, x, y, a, a2, offset, float(levels), i, j))
    else:
        raise ValueError(f"firing takes one or two terms, not {len(terms)}")


def sum_windows(
    out: np.ndarray, x: np.ndarray, kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]
) -> None:
    """Write the sum of each window; what lies in the padding, or beyond the edge, counts as 0.

    Args:
        out: uint8 or float32 [N, H', W', C], written; it has to hold the sums.
        x: uint8 [N, H, W, C].
        kernel: height and width of a window.
        stride: from one window to the next.
        padding: how far the first window reaches beyond the edge.
    """
    _shared(len(out), x.size, lambda i, j: _sum_windows(out, x, kernel, stride, padding, i, j))


def largest_of_windows(
    out: np.ndarray,
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
) -> None:
    """Write the largest code of each window; what lies in the padding, or beyond the edge, is left out.

    PyTorch's own pool of bytes counts positions in bytes too, and refuses images of more than 127.

    Args:
        out: uint8 or float32 [N, H', W', C], written.
        x: the same type, [N, H, W, C], nothing negative.
        kernel: height and width of a window.
        stride: from one window to the next.
        padding: how far the first window reaches beyond the edge.
        dilation: from one place of a window to the next.
    """
    work = out.size * kernel[0] * kernel[1]
    _shared(len(out), work, lambda i, j: _largest_of_windows(out, x, kernel, stride, padding, dilation, i, j))


def _shared(rows: int, work: int, run: Callable[[int, int], Any]) -> None:
    """Call `run(first, last)` on ranges that cover all rows, on as many threads as PyTorch has."""
    threads = max(min(torch.get_num_threads(), rows, work // _WORTH_A_THREAD), 1)
    edges = [rows * i // threads for i in range(threads + 1)]
    others = [_pool(threads - 1).submit(run, edges[i], edges[i + 1]) for i in range(1, threads)]
    run(edges[0], edges[1])
    for other in others:
        other.result()


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "spikewright-integer")
