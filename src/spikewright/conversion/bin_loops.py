"""Counts of positive values by channel and bin, in one compiled pass over them and without a copy.

bin = clip(⌈v · bins/top⌉ − 1, 0, bins − 1),   v > 0;   the product in the values' own precision
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def count(values, scale, counts):
    """Add to `counts` how many values fall into each bin.

    Args:
        values: [N, C, places], floating point.
        scale: bins/top of each channel, [C], of the same type.
        counts: int64 [C, bins], added to.
    """
    samples, channels, places = values.shape
    last = np.float64(counts.shape[1] - 1)
    for n in range(samples):
        for c in range(channels):
            row, factor, target = values[n, c], scale[c], counts[c]
            for i in range(places):
                if row[i] > 0:
                    place = np.float64(np.ceil(row[i] * factor)) - 1.0
                    target[np.int64(min(max(place, 0.0), last))] += 1
