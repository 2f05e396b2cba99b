"""The leaky neuron one neuron, one step and one derivative at a time: forward mode, where the package goes backward."""

from typing import NamedTuple

import numpy as np

from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.surrogate import Shape


class Slow(NamedTuple):
    spikes: np.ndarray  # [T, M]
    peak: float  # largest |m| after the reset
    inner: np.ndarray  # ∂L/∂currents, shaped like them, float64
    leak: float  # ∂L/∂leak


def slow(
    currents: np.ndarray,  # [T, M], or [1, M]
    outer: np.ndarray,  # ∂L/∂spikes, [T, M]
    law: Leaky,
    *,
    threshold: float,
    shape: Shape,
    detached: bool,
) -> Slow:
    """Values rounded to the currents' dtype at every operation; derivatives of them in float64."""
    number = currents.dtype.type
    timesteps, neurons = outer.shape
    spikes, inner, leak_slope, peak = np.zeros(outer.shape), np.zeros((timesteps, neurons)), 0.0, 0.0
    theta, leak = number(threshold), number(law.leak)
    for neuron in range(neurons):
        q, owed = number(0), number(0)
        # one direction for the current of each step, and one for the leak
        dq, dowed = np.zeros(timesteps + 1), np.zeros(timesteps + 1)
        for t in range(timesteps):
            m = number(leak * q) + currents[t if len(currents) > 1 else 0, neuron]
            dm = float(leak) * dq
            dm[t] += 1
            dm[timesteps] += float(q)
            if law.reset == "delayed":
                m, dm = m - owed, dm - dowed
            fired = m >= theta
            spikes[t, neuron] = fired
            ds = slope_at(float(m - theta), shape) * dm
            inner[:, neuron] += float(outer[t, neuron]) * ds[:timesteps]
            leak_slope += float(outer[t, neuron]) * ds[timesteps]
            through = 0.0 * ds if detached else ds
            owed, dowed = theta * number(fired), float(theta) * through
            if law.reset == "soft":
                m, dm = m - owed, dm - dowed
            if law.reset == "hard":
                dm = dm * (1 - fired) - float(m) * through
                m = m * number(1 - fired)
            peak = max(peak, abs(float(m)))
            if law.membrane is not None:
                n = number(2 ** (law.membrane.bits - 1) - 1)
                a = number(law.membrane.scale) * theta
                dm = dm * (abs(m / a) <= 1)
                m = np.floor(np.clip(m / a, number(-1), number(1)) * n + number(0.5)) * (a / n)
            q, dq = m, dm
        assert m.dtype == currents.dtype
    return Slow(spikes, peak, inner if len(currents) > 1 else inner.sum(0, keepdims=True), leak_slope)


def slope_at(d: float, shape: Shape) -> float:
    """The surrogate's formulas, as in the literature, with their slopes and alphas."""
    w, k, alpha = shape.width, 1 / shape.width, 2 / shape.width
    match shape.kind:
        case "rectangle":
            return float(abs(d) < w / 2) / w
        case "triangle":
            return max(0.0, 1 - abs(d) / w) / w
        case "arctangent":
            return alpha / 2 / (1 + (np.pi / 2 * alpha * d) ** 2)
        case "fast_sigmoid":
            return 1 / (1 + k * abs(d)) ** 2
        case "sigmoid":
            sigma = 1 / (1 + np.exp(-k * d))
            return k * sigma * (1 - sigma)
    raise AssertionError(shape)
