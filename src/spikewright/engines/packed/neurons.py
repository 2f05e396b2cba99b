"""Leaky neurons of some output positions at one step: from integer sums to packed spikes and k-bit membranes.

    total ← Σ over terms: sums · gain · …, spikes · gain, or float32 currents        one term after the other
    I ← total + bias;  m ← leak·q + I (− θ·s[t−1] if delayed);  s ← H(m − θ);  reset;  q ← level(m)
Between steps a membrane is its level, an integer −n … n, where the law stores one; q is level · step. Each operation is
rounded on its own in float32, in the order in which the law and the stepwise engine have it, so that spikes are equal
bit for bit. Rows are positions, columns channels; loops are short and over few arrays, to become vector instructions.

Source: the law of `snn/neurons/leaky.py`; Q-SNNs, Eq. 1-3 and 10.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from spikewright.engines.packed.sums import WORD, gather_bytes

SOFT, HARD, DELAYED = 0, 1, 2

_BIT = np.uint64(1)
_ZERO = np.float32(0)
_HALF = np.float32(0.5)
_ONE = np.float32(1)


class Neuron(NamedTuple):
    """The constants of a stage, in its own unit."""

    leak: np.float32
    threshold: np.float32
    reset: int  # SOFT, HARD or DELAYED
    top: np.float32  # the largest value a membrane is stored at; 0: it is stored as it is
    step: np.float32  # how far apart stored values are
    largest: np.float32  # how many of them each side of 0


@njit(cache=True, nogil=True, error_model="numpy")
def put_sums(total, sums, worth, gains, count, add):
    """A term of integer sums: sums · worth · gains, one factor after the other.

    Args:
        total: float32 [≥ count, O], set, or added to.
        sums: int32 [≥ count, O], below 2^24 in size.
        worth: of one unit, a power of two.
        gains: float32 [factors, O].
        count: how many positions.
        add: whether to add.
    """
    row = np.empty(total.shape[1], np.float32)
    for p in range(count):
        for o in range(len(row)):
            row[o] = np.float32(sums[p, o]) * worth
        _finish(total[p], row, gains, add)


@njit(cache=True, nogil=True, error_model="numpy")
def put_spikes(total, words, gains, first, count, add):
    """A term of 0/1 spikes: uint64 [positions, words] from position `first` on; else as `put_sums`."""
    row = np.empty(words.shape[1] * WORD, np.float32)
    for p in range(count):
        found = words[first + p]
        for j in range(len(found)):
            word = found[j]
            for b in range(WORD):
                row[j * WORD + b] = np.float32((word >> np.uint64(b)) & _BIT)
        _finish(total[p], row, gains, add)


@njit(cache=True, nogil=True, error_model="numpy")
def put_currents(total, currents, gains, first, count, add):
    """A term of float32 currents [N, O, S]; else as `put_sums`. Position p is place p mod S of sample ⌊p/S⌋."""
    places = currents.shape[2]
    row = np.empty(total.shape[1], np.float32)
    for p in range(first, first + count):
        for o in range(len(row)):
            row[o] = currents[p // places, o, p % places]
        _finish(total[p - first], row, gains, add)


@njit(cache=True, nogil=True, error_model="numpy")
def take_currents(currents, total, first, count):
    """The totals of some positions → float32 [N, O, S], written."""
    places = currents.shape[2]
    for p in range(first, first + count):
        row = total[p - first]
        for o in range(len(row)):
            currents[p // places, o, p % places] = row[o]


@njit(cache=True, nogil=True, error_model="numpy")
def fire(total, bias, neuron, membranes, fired, words, first, count):
    """One step of all neurons of some positions.

    Args:
        total: float32 [≥ count, O], what the terms make; overwritten.
        bias: float32 [O].
        neuron: the constants.
        membranes: membranes [≥ count, O], integers (levels), or float32 where they are stored as they are; 0 at first.
        fired: uint8 [≥ count, 64·words], the last step's spikes, 0 at first; overwritten.
        words: uint64 [positions, words], this step's spikes, written from position `first` on.
        first: the first position.
        count: how many positions.
    """
    for p in range(count):
        m, q, s = total[p], membranes[p], fired[p]
        if neuron.top > 0:
            _integrate_levels(m, q, bias, neuron.leak, neuron.step)
        else:
            _integrate(m, q, bias, neuron.leak)
        if neuron.reset == DELAYED:
            _repay(m, s, neuron.threshold)
        _fire(s, m, neuron.threshold)
        if neuron.reset == SOFT:
            _repay(m, s, neuron.threshold)
        elif neuron.reset == HARD:
            _clear(m, s)
        if neuron.top > 0:
            _store_levels(q, m, neuron.top, neuron.largest)
        else:
            _store(q, m)
        gather_bytes(s, words[first + p])


@njit(cache=True, nogil=True, error_model="numpy")
def _finish(total, row, gains, add):
    for factor in range(len(gains)):
        _scale(row, gains[factor])
    if add:
        for o in range(len(total)):
            total[o] = total[o] + row[o]
    else:
        for o in range(len(total)):
            total[o] = row[o]


@njit(cache=True, nogil=True, error_model="numpy")
def _scale(row, gain):
    for o in range(len(gain)):
        row[o] = row[o] * gain[o]


@njit(cache=True, nogil=True, error_model="numpy")
def _integrate_levels(m, levels, bias, leak, step):
    for o in range(len(m)):
        m[o] = leak * (np.float32(levels[o]) * step) + (m[o] + bias[o])


@njit(cache=True, nogil=True, error_model="numpy")
def _integrate(m, q, bias, leak):
    for o in range(len(m)):
        m[o] = leak * np.float32(q[o]) + (m[o] + bias[o])


@njit(cache=True, nogil=True, error_model="numpy")
def _repay(m, spikes, threshold):
    for o in range(len(m)):
        m[o] = m[o] - np.float32(spikes[o]) * threshold


@njit(cache=True, nogil=True, error_model="numpy")
def _fire(spikes, m, threshold):
    for o in range(len(m)):
        spikes[o] = m[o] - threshold >= _ZERO


@njit(cache=True, nogil=True, error_model="numpy")
def _clear(m, spikes):
    for o in range(len(m)):
        m[o] = m[o] * (_ONE - np.float32(spikes[o]))


@njit(cache=True, nogil=True, error_model="numpy")
def _store_levels(levels, m, top, largest):
    for o in range(len(m)):
        share = m[o] / top
        share = -_ONE if share < -_ONE else share
        share = _ONE if share > _ONE else share
        levels[o] = np.int32(np.floor(share * largest + _HALF))


@njit(cache=True, nogil=True, error_model="numpy")
def _store(q, m):
    for o in range(len(m)):
        q[o] = m[o]
