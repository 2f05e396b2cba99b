"""Quantised membranes against a slow reading of the definition in Fractions; gradients against their definition."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikewright.errors import BadSetting
from spikewright.snn.formats.membrane import MembraneFormat


def slow(value: Fraction, bits: int, scale: Fraction) -> Fraction:
    """The nearest of the 2n + 1 values by trying them all; of two equally near the upper one."""
    n = 2 ** (bits - 1) - 1
    values = [scale * level / n for level in range(-n, n + 1)]
    return min(values, key=lambda stored: (abs(stored - value), -stored))


@given(st.lists(st.integers(-400, 400), min_size=1, max_size=20), st.sampled_from([2, 3, 4, 5]))
def test_the_nearest_value_is_stored_and_a_tie_rounds_up(eighths: list[int], bits: int) -> None:
    """The scale is n steps of ¼: everything is exact in floating point, ties included."""
    scale = Fraction(2 ** (bits - 1) - 1, 4)
    potential = torch.tensor(eighths, dtype=torch.float64) / 8
    stored = MembraneFormat(bits=bits, scale=float(scale)).quantise(potential, torch.tensor(1.0).double())
    assert [Fraction(value) for value in stored.tolist()] == [slow(Fraction(e, 8), bits, scale) for e in eighths]


@given(
    st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=20),
    st.integers(2, 16),
    st.floats(0.125, 8, width=32),
    st.floats(0.125, 8, width=32),
)
def test_the_scale_counts_units(values: list[float], bits: int, scale: float, unit: float) -> None:
    potential = torch.tensor(values, dtype=torch.float64)
    chosen = MembraneFormat(bits=bits, scale=scale)
    stored = chosen.quantise(potential, torch.tensor(unit, dtype=torch.float64))
    top = float(np.float64(scale) * unit)
    assert float(stored.abs().max()) <= top * (1 + 1e-12)
    distance = (stored - potential.clamp(-top, top)).abs()
    assert bool((distance <= top / chosen.largest / 2 * (1 + 1e-9)).all())
    # powers of two of the unit change nothing but the unit
    again = chosen.quantise(potential * 4, torch.tensor(4 * unit, dtype=torch.float64))
    assert torch.equal(again, 4 * stored)


@given(st.integers(2, 16), st.floats(0.125, 8))
def test_every_stored_value_stays_and_their_number_is_that_of_the_bits(bits: int, scale: float) -> None:
    chosen, unit = MembraneFormat(bits=bits, scale=scale), torch.tensor(1.0, dtype=torch.float64)
    every = torch.arange(-chosen.largest, chosen.largest + 1, dtype=torch.float64)
    assert len(every) == 2**bits - 1
    stored = every * chosen.step(unit)
    assert torch.equal(chosen.levels(stored, unit), every)
    assert torch.equal(chosen.quantise(stored, unit), stored)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_two_bits_hold_three_values(dtype: torch.dtype) -> None:
    potential = torch.tensor([-9, -0.76, -0.75, -0.5, -0.0, 0.74, 0.75, 0.8, 9], dtype=dtype)
    stored = MembraneFormat(bits=2, scale=1.5).quantise(potential, torch.tensor(1.0, dtype=dtype))
    assert stored.dtype == dtype
    assert stored.tolist() == [-1.5, -1.5, 0, 0, 0, 0, 1.5, 1.5, 1.5]


def test_squashing_goes_first_in_units() -> None:
    values = np.linspace(-4, 4, 101)
    chosen = MembraneFormat(bits=4, scale=0.9, squash=True)
    stored = chosen.quantise(torch.from_numpy(values), torch.tensor(2.0).double())
    plain = MembraneFormat(bits=4, scale=0.9).quantise(
        torch.from_numpy(np.tanh(values / 2)), torch.tensor(1.0).double()
    )
    assert torch.allclose(stored, 2 * plain, rtol=1e-14, atol=0)


def test_the_gradient_goes_straight_through_inside() -> None:
    potential = torch.tensor([-1.51, -1.5, -0.7, 0.0, 0.4, 1.5, 1.51], dtype=torch.float64, requires_grad=True)
    stored = MembraneFormat(bits=3, scale=0.75).quantise(potential, torch.tensor(2.0).double())
    (gradient,) = torch.autograd.grad(stored.sum(), potential)
    assert gradient.tolist() == pytest.approx([0, 1, 1, 1, 1, 1, 0], abs=1e-15)


def test_the_gradient_of_squashing_is_that_of_tanh_inside() -> None:
    potential = torch.tensor([-3.0, -0.7, 0.0, 0.4, 1.5, 3.0], dtype=torch.float64, requires_grad=True)
    stored = MembraneFormat(bits=3, scale=0.75, squash=True).quantise(potential, torch.tensor(2.0).double())
    (gradient,) = torch.autograd.grad(stored.sum(), potential)
    squashed = np.tanh(potential.detach().numpy() / 2)
    assert gradient.tolist() == pytest.approx(list((1 - squashed**2) * (abs(squashed) <= 0.75)), rel=1e-12)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(BadSetting, match=r"membrane bits must be in 2\.\.16, got 1: one bit leaves only the value 0"):
        MembraneFormat(bits=1, scale=1.0)
    for bits in (0, 17):
        with pytest.raises(BadSetting, match=rf"membrane bits must be in 2\.\.16, got {bits}$"):
            MembraneFormat(bits=bits, scale=1.0)
    for scale in (-1.0, float("nan"), float("inf")):
        with pytest.raises(BadSetting, match=f"scale must be finite and above 0, in thresholds, got {scale}$"):
            MembraneFormat(bits=2, scale=scale)
    with pytest.raises(BadSetting, match=r"in thresholds, got 0\.0: is the layer silent\?"):
        MembraneFormat(bits=2, scale=0.0)
