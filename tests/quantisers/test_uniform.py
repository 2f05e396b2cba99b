"""Uniform weights against a slow reading of the definition in Fractions."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikewright.errors import BadSetting
from spikewright.quantisers.uniform import Uniform


@given(st.lists(st.floats(-10, 10, allow_subnormal=False), min_size=1, max_size=20), st.integers(2, 16))
def test_integers_are_the_nearest(values: list[float], bits: int) -> None:
    weight = torch.tensor(values, dtype=torch.float64).reshape(1, -1)
    stored, scale = Uniform(bits=bits).store(weight)
    largest = 2 ** (bits - 1) - 1
    assert stored.dtype == torch.int32
    assert int(stored.abs().max()) <= largest
    for value, integer in zip(values, stored.flatten().tolist(), strict=True):
        # nearest, up to the rounding of one division
        assert abs(Fraction(value) / Fraction(float(scale)) - integer) <= Fraction(1, 2) + Fraction(1, 10**9)
    assert torch.equal(Uniform(bits=bits).load(stored, scale), stored * scale)


def test_half_goes_to_even() -> None:
    stored, scale = Uniform(bits=4).store(torch.tensor([[0.5, 1.5, 2.5, 7.0, -0.5]]))
    assert float(scale) == 1.0
    assert stored.tolist() == [[0, 2, 2, 7, 0]]


def test_one_scale_a_channel() -> None:
    weight = torch.tensor([[[1.0, -2.0]], [[0.0, 0.0]], [[30.0, 10.0]]])
    stored, scale = Uniform(bits=8, per_channel=True).store(weight)
    assert scale.shape == (3, 1, 1)
    assert stored.abs().flatten(1).amax(1).tolist() == [127, 0, 127]
    assert float(scale[1]) == 1.0


@pytest.mark.parametrize("bits", [1, 0, 17])
def test_bits_out_of_range(bits: int) -> None:
    with pytest.raises(BadSetting, match=r"2\.\.16"):
        Uniform(bits=bits)
