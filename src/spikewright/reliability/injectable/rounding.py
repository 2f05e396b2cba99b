"""Loops of `own_grid.py` and of what reads it, over arrays [rows, N] of vectors and [T, N, C, S] of all others.

    y = (x + 1.5 · 2^52 · s) − 1.5 · 2^52 · s         x rounded to a multiple of s, half to even, for |x| ≤ 2^50 · s
Nothing is fused or reordered, so each number comes out the same wherever it lies. Knows nothing about networks.
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def largest_of_columns(most, value):
    """Raise each column's largest magnitude; what is not a number is larger than everything.

    Args:
        most: [N], changed in place.
        value: [R, N].
    """
    for r in range(len(value)):
        row = value[r]
        for n in range(len(most)):
            size = abs(row[n])
            most[n] = size if size > most[n] or np.isnan(size) else most[n]


@njit(cache=True, nogil=True)
def round_columns(out, value, anchor, low, lost):
    """Round each column to a grid of its own, and mark where it loses small numbers.

    Args:
        out: [R, N], written.
        value: [R, N].
        anchor: float64 [N], 1.5 · 2^52 times the grid's step.
        low: float64 [N], below which a number that is rounded is too small for the grid.
        lost: float64 [N], 1 where there is such a number; changed in place.
    """
    for r in range(len(value)):
        row, target = value[r], out[r]
        for n in range(len(anchor)):
            x = np.float64(row[n])
            y = (x + anchor[n]) - anchor[n]
            target[n] = y
            lost[n] = 1.0 if y != x and abs(x) < low[n] else lost[n]


@njit(cache=True, nogil=True)
def round_maps(out, value, anchor, low, spared, lost):
    """The same for maps, where a share of small numbers in each channel may be rounded.

    Args:
        out: [T, N, C, S], written.
        value: [T, N, C, S].
        anchor: float64 [N].
        low: float64 [N].
        spared: one of so many of a channel's numbers other than 0 may be lost.
        lost: float64 [N], 1 where more are; changed in place.
    """
    for t in range(value.shape[0]):
        for n in range(value.shape[1]):
            for c in range(value.shape[2]):
                row, target = value[t, n, c], out[t, n, c]
                small, some = 0, 0
                for s in range(len(row)):
                    x = np.float64(row[s])
                    y = (x + anchor[n]) - anchor[n]
                    target[s] = y
                    some += x != 0
                    small += y != x and abs(x) < low[n]
                if small * spared > some:
                    lost[n] = 1.0


@njit(cache=True, nogil=True)
def split(planes, value, factor, radix):
    """Cut numbers on a grid into whole numbers of few bits each, the most significant first.

        value · factor = planes[0] + planes[1] / radix + planes[2] / radix² + …,  |planes[i]| ≤ radix / 2 for i ≥ 1

    Args:
        planes: float32 [P, T, N, L], written.
        value: [T, N, L].
        factor: float64 [N], a power of two.
        radix: a power of two.
    """
    anchor = 1.5 * 2.0**52
    for t in range(value.shape[0]):
        for n in range(value.shape[1]):
            row = value[t, n]
            for p in range(len(planes)):
                target = planes[p, t, n]
                before, now = factor[n] * radix ** (p - 1), factor[n] * radix**p
                if p == 0:
                    for s in range(len(row)):
                        target[s] = (np.float64(row[s]) * now + anchor) - anchor
                else:
                    for s in range(len(row)):
                        x = np.float64(row[s])
                        target[s] = ((x * now + anchor) - anchor) - ((x * before + anchor) - anchor) * radix


@njit(cache=True, nogil=True)
def join(out, planes, units):
    """Add up what planes were made of.

    Args:
        out: float64 [T, N, L], written.
        planes: float32 [P, T, N, L].
        units: float64 [P, N], what 1 of each plane is worth.
    """
    for t in range(out.shape[0]):
        for n in range(out.shape[1]):
            target = out[t, n]
            for p in range(len(planes)):
                row, unit = planes[p, t, n], units[p, n]
                if p == 0:
                    for s in range(len(target)):
                        target[s] = np.float64(row[s]) * unit
                else:
                    for s in range(len(target)):
                        target[s] += np.float64(row[s]) * unit


@njit(cache=True, nogil=True)
def affine(out, made, gain, shift):
    """Write gain · made + shift, in float64 and rounded to float32; a row has one of each.

    Args:
        out: float32 [R, L], written.
        made: float64 [R, L].
        gain: float64 [P]; P divides R, row r has that of r mod P.
        shift: float64 [P].
    """
    for r in range(len(out)):
        a, b = gain[r % len(gain)], shift[r % len(gain)]
        row, target = made[r], out[r]
        for s in range(len(target)):
            target[s] = row[s] * a + b
