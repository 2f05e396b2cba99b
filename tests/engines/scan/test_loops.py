"""Compiled loops of the leaky neuron against one neuron at a time in NumPy, derivatives by forward mode."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.scan.tangents import slow
from spikewright.engines.scan import loops as kernels
from spikewright.snn.formats.membrane import MembraneFormat
from spikewright.snn.neurons.leaky import Leaky, Reset
from spikewright.snn.surrogate import SHAPES, shape_named

RESETS: dict[Reset, int] = {"soft": kernels.SOFT, "hard": kernels.HARD, "delayed": kernels.DELAYED}
NUMBERS = {
    "rectangle": kernels.RECTANGLE,
    "triangle": kernels.TRIANGLE,
    "arctangent": kernels.ARCTANGENT,
    "fast_sigmoid": kernels.FAST_SIGMOID,
    "sigmoid": kernels.SIGMOID,
}
f = np.float32


def constants(law: Leaky, threshold: float, name: str, width: float, detached: bool) -> kernels.Constants:
    top = f(0) if law.membrane is None else f(law.membrane.scale) * f(threshold)
    n = f(1 if law.membrane is None else 2 ** (law.membrane.bits - 1) - 1)
    return kernels.Constants(
        f(law.leak), f(threshold), RESETS[law.reset], top, top / n, n, NUMBERS[name], f(width), detached
    )


@given(
    seed=st.integers(0, 2**32 - 1),
    timesteps=st.integers(1, 7),
    neurons=st.integers(1, 9),
    leak=st.sampled_from([0.0, 0.5, 0.9, 1.0]),
    reset=st.sampled_from([*RESETS]),
    bits=st.sampled_from([None, 2, 4]),
    name=st.sampled_from([*SHAPES]),
    width=st.sampled_from([0.25, 1.0, 3.0]),
    threshold=st.sampled_from([0.5, 1.0, 1.5]),
    detached=st.booleans(),
    constant=st.booleans(),
    ties=st.booleans(),
)
def test_values_and_derivatives_like_numpy(
    seed: int,
    timesteps: int,
    neurons: int,
    leak: float,
    reset: Reset,
    bits: int | None,
    name: str,
    width: float,
    threshold: float,
    detached: bool,
    constant: bool,
    ties: bool,
) -> None:
    law = Leaky(leak=leak, reset=reset, membrane=None if bits is None else MembraneFormat(bits=bits, scale=1.3))
    random = np.random.default_rng(seed)
    currents = random.normal(0.3, 0.7, (1 if constant else timesteps, neurons)).astype(f)
    if ties:
        currents = np.round(currents * 4) / f(4)
    outer = random.normal(size=(timesteps, neurons)).astype(f)
    use = constants(law, threshold, name, width, detached)
    expected = slow(currents, outer, law, threshold=threshold, shape=shape_named(name, width), detached=detached)
    spikes, inner, leaks = np.empty_like(outer), np.empty_like(currents), np.empty(-(-neurons // 4))
    peak = kernels.forward(currents, spikes, use, 4, 0, len(leaks))
    kernels.backward(currents, outer, inner, leaks, use, timesteps, 4, 0, len(leaks))
    assert np.array_equal(spikes, expected.spikes)
    assert float(peak) == expected.peak
    size = max(1, float(abs(expected.inner).max()))
    assert np.allclose(inner, expected.inner, rtol=1e-5, atol=1e-6 * size)
    assert np.isclose(leaks.sum(), expected.leak, rtol=1e-5, atol=1e-5 * size * timesteps)


def test_blocks_may_be_run_one_by_one_and_others_are_left_alone() -> None:
    random = np.random.default_rng(0)
    currents, outer = random.normal(0.3, 0.7, (2, 5, 11)).astype(f)
    use = constants(Leaky(leak=0.9), 1.0, "arctangent", 1.0, False)
    whole, inner, leaks = np.empty_like(outer), np.empty_like(currents), np.empty(3)
    peak = kernels.forward(currents, whole, use, 4, 0, 3)
    kernels.backward(currents, outer, inner, leaks, use, 5, 4, 0, 3)
    parts, parts_inner, parts_leaks = np.full_like(outer, 7), np.full_like(currents, 7), np.full(3, 7.0)
    peaks = [kernels.forward(currents, parts, use, 4, 0, 1)]
    kernels.backward(currents, outer, parts_inner, parts_leaks, use, 5, 4, 0, 1)
    assert (parts[:, 4:] == 7).all()
    assert (parts_inner[:, 4:] == 7).all()
    assert (parts_leaks[1:] == 7).all()
    peaks.append(kernels.forward(currents, parts, use, 4, 1, 3))
    kernels.backward(currents, outer, parts_inner, parts_leaks, use, 5, 4, 1, 3)
    assert np.array_equal(parts, whole)
    assert np.array_equal(parts_inner, inner)
    assert np.array_equal(parts_leaks, leaks)
    assert max(peaks) == peak


def test_a_gradient_that_is_the_same_at_every_step_may_be_one_row() -> None:
    random = np.random.default_rng(1)
    currents, outer = random.normal(0.3, 0.7, (5, 11)).astype(f), random.normal(size=(1, 11)).astype(f)
    use = constants(Leaky(leak=0.9, reset="hard"), 1.0, "triangle", 1.0, False)
    inner, expected = np.empty_like(currents), np.empty_like(currents)
    kernels.backward(currents, outer, inner, np.empty(0), use, 5, 16, 0, 1)
    kernels.backward(currents, np.repeat(outer, 5, 0), expected, np.empty(0), use, 5, 16, 0, 1)
    assert np.array_equal(inner, expected)


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("bits", [None, 2])
def test_nan_does_not_get_lost(reset: Reset, bits: int | None) -> None:
    law = Leaky(reset=reset, membrane=None if bits is None else MembraneFormat(bits=bits, scale=1.0))
    currents = np.ones((3, 70), f)
    currents[1, 40] = np.nan
    spikes = np.empty_like(currents)
    assert np.isnan(kernels.forward(currents, spikes, constants(law, 1.0, "triangle", 1.0, False), 32, 0, 3))
    assert spikes[:, 40].tolist() == [1, 0, 0]
    assert spikes[:, :40].all()
