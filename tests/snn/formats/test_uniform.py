"""Uniform weights against a slow reading of the definition in Fractions."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikewright.errors import BadModel, BadSetting
from spikewright.snn.formats.uniform import Uniform


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


@pytest.mark.parametrize(("bits", "way_out"), [(1, "got 1: .*Binary"), (0, "got 0"), (17, "got 17")])
def test_bits_out_of_range(bits: int, way_out: str) -> None:
    with pytest.raises(BadSetting, match=rf"2\.\.16, {way_out}"):
        Uniform(bits=bits)


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("bits", [2, 5, 8, 16])
def test_training_sees_what_is_stored_and_the_gradient_passes(bits: int, per_channel: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    latent = torch.randn(4, 3, 3, 3, generator=generator, requires_grad=True)
    outer = torch.randn(4, 3, 3, 3, generator=generator)
    form = Uniform(bits=bits, per_channel=per_channel)
    weight = form.quantise(latent, progress=0.5)
    assert torch.equal(weight, form.load(*form.store(latent.detach())))
    weight.backward(outer)
    assert latent.grad is not None
    assert torch.equal(latent.grad, outer)


def test_the_largest_weight_may_be_negative() -> None:
    stored, scale = Uniform(bits=8).store(torch.tensor([[-2.0, 1.0]]))
    assert stored.tolist() == [[-127, 64]]  # 63.5 rounds half to even
    assert float(scale) == pytest.approx(2 / 127)


def test_what_cannot_be_quantised_is_refused() -> None:
    with pytest.raises(BadModel, match=r"4-bit weights of a tensor \[1, 2\]: 1 of its 2 values are not finite"):
        Uniform(bits=4).quantise(torch.tensor([[1.0, float("nan")]]))
    with pytest.raises(BadSetting, match="progress is 2"):
        Uniform().quantise(torch.ones(1, 2), progress=2)


def test_a_range_of_its_own_clamps_what_lies_beyond() -> None:
    weight = torch.tensor([[0.3, -0.9, 2.0, -4.0]])
    integers, scale = Uniform(bits=8, limit=1.0).store(weight)
    assert float(scale) == pytest.approx(1 / 127)
    assert integers.tolist() == [[round(0.3 * 127), round(-0.9 * 127), 127, -127]]
    wide, _ = Uniform(bits=8, limit=8.0).store(weight)
    assert wide.tolist() == [[round(w * 127 / 8) for w in weight[0].tolist()]]


@pytest.mark.parametrize("settings", [{"limit": 0.0}, {"limit": float("nan")}, {"limit": 1.0, "per_channel": True}])
def test_a_range_is_one_positive_number(settings: dict) -> None:
    with pytest.raises(BadSetting, match="weight range"):
        Uniform(**settings)
