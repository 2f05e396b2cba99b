"""The leaky neuron over time, forward and backward, in compiled loops over float32 arrays [time, neurons].

    forward     m[t] = leak·q[t−1] + I[t] (− θ·s[t−1] if delayed);  s[t] = H(m[t] − θ);  m'[t] = reset;  q[t] = Q(m'[t])
    backward    g = ∂L/∂q[t], 0 where m'[t] is outside [−a, a]
                p = ∂L/∂s[t] − the reset's part: θ·g (soft), m[t]·g (hard), θ·∂L/∂m[t+1] (delayed), 0 (detached)
                ∂L/∂I[t] = ∂L/∂m[t] = g (0 where a hard reset cleared it) + slope(m[t] − θ)·p
                ∂L/∂q[t−1] = leak·∂L/∂m[t];  ∂L/∂leak = Σ q[t−1]·∂L/∂m[t]
Neurons are independent: a block of them runs through all its steps while it stays in cache, and backward computes its
membranes again from the currents. Each pass over a row is a loop of its own, without branches and over few arrays, so
that it becomes vector instructions. Each operation is rounded on its own, in the order in which the law is written.

Source: the law of `snn/neurons/leaky.py`, differentiated by hand; surrogate gradients as of Neftci et al. 2019.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

SOFT, HARD, DELAYED = 0, 1, 2
RECTANGLE, TRIANGLE, ARCTANGENT, FAST_SIGMOID, SIGMOID = 0, 1, 2, 3, 4

_ZERO = np.float32(0)
_HALF = np.float32(0.5)
_ONE = np.float32(1)
_TWO = np.float32(2)
_PI = np.float32(math.pi)


class Constants(NamedTuple):
    """What a scan is run with; potentials in what the currents are in."""

    leak: np.float32
    threshold: np.float32
    reset: int  # SOFT, HARD or DELAYED
    top: np.float32  # a, the largest value a membrane is stored at; 0: it is stored as it is
    step: np.float32  # how far apart stored values are
    largest: np.float32  # how many of them each side of 0
    shape: int  # of the surrogate gradient
    width: np.float32
    detached: bool  # whether no gradient passes through the reset


@njit(cache=True, nogil=True, error_model="numpy")
def forward(currents, spikes, use, block, first, last):
    """Run some blocks of neurons through all steps.

    Args:
        currents: float32 [T, M], or [1, M] if the same at every step.
        spikes: float32 [T, M], written.
        use: the constants.
        block: how many neurons a block has.
        first: the first block to run.
        last: the block to stop before.

    Returns:
        The largest |m| after the reset; NaN if there was one.
    """
    timesteps, neurons = spikes.shape
    membrane, stored, highest = np.empty(block, np.float32), np.empty(block, np.float32), np.zeros(block, np.float32)
    for index in range(first, last):
        low = index * block
        high = min(low + block, neurons)
        m, q, highs = membrane[: high - low], stored[: high - low], highest[: high - low]
        _fill(q, _ZERO)
        for t in range(timesteps):
            _integrate(m, q, currents[t if len(currents) > 1 else 0, low:high], use.leak)
            if use.reset == DELAYED and t > 0:
                _subtract(m, spikes[t - 1, low:high], use.threshold)
            _fire(spikes[t, low:high], m, use.threshold)
            _reset(q, m, use.threshold, use.reset)
            _raise(highs, q)
            if use.top > 0:
                _quantise(q, use.top, use.step, use.largest)
    peak = _ZERO
    for found in highest:
        if found > peak or np.isnan(found):
            peak = found
        if np.isnan(peak):
            break
    return peak


@njit(cache=True, nogil=True, error_model="numpy")
def backward(currents, outer, inner, leaks, use, timesteps, block, first, last):
    """Run some blocks of neurons back through all steps.

    Args:
        currents: float32 [T, M], or [1, M] if the same at every step.
        outer: ∂L/∂spikes, float32 [T, M], or [1, M] if the same at every step.
        inner: ∂L/∂currents, shaped like `currents`, written.
        leaks: ∂L/∂leak by blocks, float64 [blocks], written; of length 0: not wanted.
        use: the constants.
        timesteps: T.
        block: how many neurons a block has.
        first: the first block to run.
        last: the block to stop before.
    """
    neurons = currents.shape[1]
    membranes, remembered = np.empty((timesteps, block), np.float32), np.empty((timesteps + 1, block), np.float32)
    scratch = np.empty((4, block), np.float32)
    products = np.empty(block, np.float64)
    for index in range(first, last):
        low = index * block
        high = min(low + block, neurons)
        size = high - low
        _again(membranes, remembered, currents, use, low, size)
        slope, pull, g, after = scratch[0, :size], scratch[1, :size], scratch[2, :size], scratch[3, :size]
        _fill(g, _ZERO)
        _fill(after, _ZERO)  # ∂L/∂m of the step after
        lanes = products[:size]
        _fill(lanes, 0.0)
        if len(inner) == 1:
            _fill(inner[0, low:high], _ZERO)
        for t in range(timesteps - 1, -1, -1):
            given = outer[t if len(outer) > 1 else 0, low:high]
            _through(membranes[t, :size], given, g, after, slope, pull, use)
            if len(leaks) > 0:
                _accumulate(lanes, after, remembered[t, :size])
            _write(inner, t, low, after)
            _times(g, after, use.leak)
        if len(leaks) > 0:
            leaks[index] = lanes.sum()


@njit(cache=True, nogil=True, error_model="numpy")
def _again(membranes, remembered, currents, use, low, size):
    """Write m[t] to row t of `membranes`, q[t] to row t + 1 of `remembered`, as `forward` had them."""
    _fill(remembered[0, :size], _ZERO)
    for t in range(len(membranes)):
        # rows are cut here and not by the caller: a cut of several rows is not known to be dense, and slow
        m, q = membranes[t, :size], remembered[t + 1, :size]
        current = currents[t if len(currents) > 1 else 0, low : low + size]
        _integrate(m, remembered[t, :size], current, use.leak)
        if use.reset == DELAYED and t > 0:
            _fire(q, membranes[t - 1, :size], use.threshold)
            _subtract(m, q, use.threshold)
        _reset(q, m, use.threshold, use.reset)
        if use.top > 0:
            _quantise(q, use.top, use.step, use.largest)


# inlined here: the compiler leaves it a call, which costs backward 2 %
@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _through(m, given, g, after, slope, pull, use):
    """Take `after` from ∂L/∂m[t+1] to ∂L/∂m[t], by g = ∂L/∂q[t], which is lost; `slope` and `pull` are room to work."""
    if use.top > 0:
        _reset(pull, m, use.threshold, use.reset)
        _mask(g, pull, use.top)
    _slopes(slope, m, use.threshold, use.shape, use.width)
    _pull(pull, given, g, after, m, use)
    _add_each(after, g, slope, pull)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _write(inner, t, low, after):
    """A step's gradient to a row of its own, or added to the only row."""
    high = low + len(after)
    if len(inner) > 1:
        _copy(inner[t, low:high], after)
    else:
        _add(inner[0, low:high], after)


@njit(cache=True, nogil=True, error_model="numpy")
def _pull(pull, given, g, after, m, use):
    """Write ∂L/∂s[t] to `pull`; take from g, the gradient after the reset, what a hard reset cleared."""
    if use.detached:
        _copy(pull, given)
    elif use.reset == SOFT:
        _less(pull, given, g, use.threshold)
    elif use.reset == DELAYED:
        _less(pull, given, after, use.threshold)
    else:
        _less_each(pull, given, g, m)
    if use.reset == HARD:
        _clear(g, m, use.threshold)


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(to, value):
    for i in range(len(to)):
        to[i] = value


@njit(cache=True, nogil=True, error_model="numpy")
def _copy(to, row):
    for i in range(len(to)):
        to[i] = row[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _integrate(m, q, current, leak):
    for i in range(len(m)):
        m[i] = leak * q[i] + current[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _subtract(m, spikes, threshold):
    for i in range(len(m)):
        m[i] = m[i] - spikes[i] * threshold


@njit(cache=True, nogil=True, error_model="numpy")
def _fire(spikes, m, threshold):
    for i in range(len(m)):
        spikes[i] = _ONE if m[i] - threshold >= _ZERO else _ZERO


@njit(cache=True, nogil=True, error_model="numpy")
def _reset(after, m, threshold, reset):
    if reset == SOFT:
        for i in range(len(m)):
            after[i] = m[i] - (threshold if m[i] - threshold >= _ZERO else _ZERO)
    elif reset == HARD:
        for i in range(len(m)):
            after[i] = m[i] * (_ZERO if m[i] - threshold >= _ZERO else _ONE)
    else:
        _copy(after, m)


@njit(cache=True, nogil=True, error_model="numpy")
def _raise(highest, after):
    for i in range(len(after)):
        size = abs(after[i])
        # NaN once is NaN for good
        highest[i] = size if size > highest[i] or size != size else highest[i]  # noqa: PLR0124


@njit(cache=True, nogil=True, error_model="numpy")
def _quantise(q, top, step, largest):
    for i in range(len(q)):
        share = q[i] / top
        share = -_ONE if share < -_ONE else share
        share = _ONE if share > _ONE else share
        q[i] = np.floor(share * largest + _HALF) * step


@njit(cache=True, nogil=True, error_model="numpy")
def _mask(g, after, top):
    for i in range(len(g)):
        share = after[i] / top
        g[i] = g[i] if share >= -_ONE and share <= _ONE else _ZERO


@njit(cache=True, nogil=True, error_model="numpy")
def _slopes(slope, m, threshold, shape, width):
    if shape == RECTANGLE:
        for i in range(len(m)):
            slope[i] = (_ONE if abs(m[i] - threshold) * _TWO < width else _ZERO) / width
    elif shape == TRIANGLE:
        for i in range(len(m)):
            below = _ONE - abs(m[i] - threshold) / width
            slope[i] = (below if below > _ZERO else _ZERO) / width
    elif shape == ARCTANGENT:
        peak, scale = _ONE / width, _PI / width
        for i in range(len(m)):
            x = (m[i] - threshold) * scale
            slope[i] = peak / (_ONE + x * x)
    elif shape == FAST_SIGMOID:
        scale = _ONE / width
        for i in range(len(m)):
            x = _ONE + abs(m[i] - threshold) * scale
            slope[i] = _ONE / (x * x)
    else:
        scale = _ONE / width
        for i in range(len(m)):
            tail = math.exp(-abs(m[i] - threshold) * scale)
            slope[i] = tail / ((_ONE + tail) * (_ONE + tail)) * scale


@njit(cache=True, nogil=True, error_model="numpy")
def _less(pull, given, g, threshold):
    for i in range(len(pull)):
        pull[i] = given[i] - threshold * g[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _less_each(pull, given, g, m):
    for i in range(len(pull)):
        pull[i] = given[i] - m[i] * g[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _clear(g, m, threshold):
    for i in range(len(g)):
        g[i] = g[i] * (_ZERO if m[i] - threshold >= _ZERO else _ONE)


@njit(cache=True, nogil=True, error_model="numpy")
def _add_each(after, g, slope, pull):
    for i in range(len(after)):
        after[i] = g[i] + slope[i] * pull[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _accumulate(lanes, after, q):
    for i in range(len(lanes)):
        lanes[i] += np.float64(after[i]) * np.float64(q[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _add(total, after):
    for i in range(len(total)):
        total[i] += after[i]


@njit(cache=True, nogil=True, error_model="numpy")
def _times(g, after, leak):
    for i in range(len(g)):
        g[i] = leak * after[i]
