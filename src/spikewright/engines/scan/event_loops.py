"""Products with a matrix that is mostly zeros, spikes above all: only its non-zero entries are met.

    gather      out[r] = Σ x[r, k] · B[k]           x · B
    scatter     out[k] = Σ x[r, k] · G[r]           xᵀ · G
float32, sums in the order of the entries; a strip of columns at a time, so that what is met again stays in cache.
"""

import numpy as np
from numba import njit

_STRIP = 128  # columns


@njit(cache=True, nogil=True, error_model="numpy")
def find(x, starts, index):
    """Write where the entries are: those of row r are index[starts[r]:starts[r + 1]].

    Args:
        x: float32 [R, K].
        starts: int64 [R + 1], written.
        index: int32 [limit + K], written.

    Returns:
        Whether there are at most `limit` of them; if not, what was written means nothing.
    """
    rows, columns = x.shape
    limit = len(index) - columns
    count = 0
    for r in range(rows):
        if count > limit:
            return False
        starts[r] = count
        row = x[r]
        for k in range(columns):
            index[count] = k  # overwritten by the next one unless this is an entry: no branch to guess
            count += row[k] != np.float32(0)
    starts[rows] = count
    return count <= limit


@njit(cache=True, nogil=True, error_model="numpy")
def gather(out, x, starts, index, given, first, last):
    """Write rows first … last − 1 of out = x · given; out [R, M], given [K, M]."""
    columns = out.shape[1]
    for low in range(0, columns, _STRIP):
        high = min(low + _STRIP, columns)
        for r in range(first, last):
            row, values = out[r, low:high], x[r]
            _clear(row)
            for e in range(starts[r], starts[r + 1]):
                k = np.uint64(index[e])  # unsigned: no index counts from the end
                value, met = values[k], given[k, low:high]
                for i in range(len(row)):  # written out: as a function it would be called, which takes as long
                    row[i] += value * met[i]


@njit(cache=True, nogil=True, error_model="numpy")
def scatter(out, x, starts, index, given, first, last):
    """Write columns first … last − 1 of out = xᵀ · given; out [K, M], given [R, M]."""
    for low in range(first, last, _STRIP):
        high = min(low + _STRIP, last)
        for k in range(len(out)):
            _clear(out[k, low:high])
        for r in range(len(given)):
            row, values = given[r, low:high], x[r]
            for e in range(starts[r], starts[r + 1]):
                k = np.uint64(index[e])
                value, met = values[k], out[k, low:high]
                for i in range(len(row)):
                    met[i] += value * row[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _clear(row):
    for i in range(len(row)):
        row[i] = np.float32(0)
