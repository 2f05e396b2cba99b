"""Binary weights against loops in exact fractions and float64, gradients against finite differences."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from torch import Tensor

from spikewright.errors import BadModel, BadSetting
from spikewright.snn.formats.binary import Binary

EVERY = [
    Binary(standardise=standardise, scale=scale, estimator=estimator)  # type: ignore[arg-type]
    for standardise, scale, estimator in itertools.product(
        ("layer", "channel", "none"), ("mean", "power_of_two"), ("clipped", "annealed")
    )
]


@st.composite
def sixteenths(draw: st.DrawFn) -> Tensor:
    """[out, in] of sixteenths: float64 then takes the sign of w − mean as exact arithmetic does."""
    out, inside = draw(st.integers(1, 4)), draw(st.integers(2, 6))
    values = draw(st.lists(st.integers(-40, 40), min_size=out * inside, max_size=out * inside))
    return torch.tensor(values, dtype=torch.float64).reshape(out, inside) / 16


def slow(weight: Tensor, standardise: str) -> tuple[list[list[int]], list[float]]:
    """Signs in fractions, scales in float64."""
    rows = [[Fraction(value) for value in row] for row in weight.tolist()]
    groups = {
        "layer": [list(itertools.chain(*rows))] * len(rows),
        "channel": rows,
        "none": [[Fraction(0)]] * len(rows),
    }[standardise]
    signs, scales = [], []
    for row, group in zip(rows, groups, strict=True):
        mean = sum(group) / len(group)
        variance = sum((value - mean) ** 2 for value in group) / len(group)
        deviation = math.sqrt(variance) if variance else 1.0
        signs.append([1 if value >= mean else -1 for value in row])
        scales.append(sum(abs(float(value - mean)) for value in row) / deviation / len(row))
    return signs, scales


@given(sixteenths(), st.sampled_from(["layer", "channel", "none"]))
def test_signs_and_scales(weight: Tensor, standardise: str) -> None:
    stored, scale = Binary(standardise=standardise).store(weight)  # type: ignore[arg-type]
    signs, scales = slow(weight, standardise)
    assert stored.dtype == torch.int8
    assert stored.tolist() == signs
    assert scale.shape == (len(weight), 1)
    np.testing.assert_allclose(scale.flatten(), scales, rtol=1e-12, atol=1e-13)


@given(sixteenths())
def test_a_scale_is_the_nearest_power_of_two(weight: Tensor) -> None:
    _, plain = Binary().store(weight)
    _, rounded = Binary(scale="power_of_two").store(weight)
    for before, after in zip(plain.flatten().tolist(), rounded.flatten().tolist(), strict=True):
        # nearest in log2: α²/2 ≤ p² ≤ 2α², in exact arithmetic
        square, power = Fraction(before) ** 2, Fraction(after)
        assert (before == 0) == (after == 0)
        assert before == 0 or (math.frexp(after)[0] == 0.5 and square / 2 <= power**2 <= 2 * square)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_powers_of_two_about_the_half_way_point(dtype: torch.dtype) -> None:
    half_way = torch.tensor(math.sqrt(0.5), dtype=dtype)
    for alpha in (torch.nextafter(half_way, torch.zeros_like(half_way)), half_way, half_way * 8, half_way * 2**-20):
        power = float(Binary(standardise="none", scale="power_of_two").store(alpha.reshape(1, 1))[1])
        below = 2.0 ** math.floor(math.log2(float(alpha)))
        assert power == (2 * below if Fraction(float(alpha)) ** 2 >= 2 * Fraction(below) ** 2 else below)


def test_a_zero_counts_as_plus() -> None:
    stored, scale = Binary(standardise="none").store(torch.tensor([[0.0, -0.0, -3.0], [2.0, 1.0, 0.0]]))
    assert stored.tolist() == [[1, 1, -1], [1, 1, 1]]
    assert scale.tolist() == [[1.0], [1.0]]


@pytest.mark.parametrize("form", EVERY, ids=str)
@pytest.mark.parametrize("shape", [(5, 7), (4, 3, 3, 3), (3, 2, 5)])
def test_training_sees_what_is_stored(form: Binary, shape: tuple[int, ...]) -> None:
    latent = torch.randn(*shape, generator=torch.Generator().manual_seed(1))
    stored, scale = form.store(latent)
    assert scale.shape == (shape[0], *(1,) * (len(shape) - 1))
    assert torch.equal(form.quantise(latent, progress=0.3), form.load(stored, scale))


@given(sixteenths(), st.sampled_from([0.5, 2.0, 1024.0]), st.integers(-64, 64))
def test_standardised_signs_do_not_change_with_scale_and_shift(weight: Tensor, factor: float, shift: int) -> None:
    moved = weight * factor + shift / 16
    for standardise in ("layer", "channel"):
        one, other = (Binary(standardise=standardise).store(w) for w in (weight, moved))  # type: ignore[arg-type]
        assert torch.equal(one[0], other[0])
        torch.testing.assert_close(one[1], other[1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("form", EVERY, ids=str)
def test_weights_that_are_all_alike(form: Binary) -> None:
    latent = torch.full((2, 3), 0.1, requires_grad=True)  # 0.1 is not the mean of three of it, in float32
    weight = form.quantise(latent)
    if form.standardise == "none":
        torch.testing.assert_close(weight, torch.full_like(weight, 0.125 if form.scale == "power_of_two" else 0.1))
    else:
        assert weight.tolist() == [[0.0] * 3] * 2
    weight.sum().backward()
    assert latent.grad is not None
    assert bool(latent.grad.isfinite().all())


# Gradients


def smooth(form: Binary, fixed: Tensor, at: Tensor, slope: Tensor) -> Tensor:
    """A function of `at` in float64 that has at `fixed` the gradient that the docstring promises.

    The sign is replaced by its tangent b + slope · (ŵ − ŵ₀); a scale rounded to a power of two by α · (α₀'/α₀).
    """

    def standard(weight: Tensor) -> Tensor:
        dims = {"layer": (0, 1), "channel": (1,), "none": ()}[form.standardise]
        return (
            (weight - weight.mean(dims, keepdim=True)) / weight.std(dims, correction=0, keepdim=True)
            if dims
            else weight
        )

    first, here = standard(fixed), standard(at)
    alpha = here.abs().mean(1, keepdim=True)
    if form.scale == "power_of_two":
        before = first.abs().mean(1, keepdim=True)
        alpha = alpha * torch.exp2(torch.log2(before).round()) / before
    return alpha * (torch.sign(first) + slope * (here - first))


def slopes(form: Binary, latent: Tensor, progress: float) -> Tensor:
    """The stand-in for the slope of the sign, one number after the other."""
    standard = Binary(standardise=form.standardise)
    dims = {"layer": (0, 1), "channel": (1,), "none": ()}[standard.standardise]
    hat = (latent - latent.mean(dims, keepdim=True)) / latent.std(dims, correction=0, keepdim=True) if dims else latent
    found = []
    for value in hat.flatten().tolist():
        if form.estimator == "clipped":
            found.append(1.0 if abs(value) <= 1 else 0.0)
        else:
            t = 10 ** (-1 + 2 * progress)
            found.append(max(1 / t, 1) * t * (1 - math.tanh(t * value) ** 2))
    return torch.tensor(found, dtype=torch.float64).reshape(latent.shape)


@pytest.mark.parametrize("form", EVERY, ids=str)
@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
def test_gradients_against_finite_differences(form: Binary, progress: float) -> None:
    generator = torch.Generator().manual_seed(3)
    latent = 1.2 * torch.randn(3, 5, generator=generator, dtype=torch.float64)
    outer = torch.randn(3, 5, generator=generator, dtype=torch.float64)
    tracked = latent.clone().requires_grad_()
    (form.quantise(tracked, progress=progress) * outer).sum().backward()
    slope, step = slopes(form, latent, progress), 1e-6
    for index in range(latent.numel()):
        ends = []
        for sign in (-1, 1):
            moved = latent.clone().flatten()
            moved[index] += sign * step
            ends.append(float((smooth(form, latent, moved.reshape(3, 5), slope) * outer).sum()))
        assert tracked.grad is not None
        assert abs(float(tracked.grad.flatten()[index]) - (ends[1] - ends[0]) / (2 * step)) < 1e-7


def test_the_clipped_gradient_includes_the_ends() -> None:
    latent = torch.tensor([[1.0, -1.0, 1.5, 0.5]], requires_grad=True)
    weight = Binary(standardise="none").quantise(latent)
    weight.backward(torch.tensor([[1.0, 1.0, 1.0, 1.0]]))
    # α = 1; through α each |w| receives (Σ b)/4 = ½ times its sign
    assert latent.grad is not None
    assert latent.grad.tolist() == [[1.5, 0.5, 0.5, 1.5]]


def test_the_latent_weights_are_left_alone() -> None:
    latent = torch.randn(3, 4)
    saved = latent.clone()
    Binary().quantise(latent)
    Binary().store(latent)
    assert torch.equal(latent, saved)


# What is refused


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_weights_that_are_not_finite_are_named(bad: float) -> None:
    weight = torch.ones(2, 3)
    weight[1, 2] = bad
    for call in (Binary().store, Binary().quantise):
        with pytest.raises(BadModel, match=r"\[2, 3\]: 1 of its 6 values .* the first at \[1, 2\]"):
            call(weight)


@pytest.mark.parametrize("shape", [(), (4,), (0, 3)])
def test_shapes_without_channels_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadModel, match=r"give \[out, in, …\]"):
        Binary().store(torch.ones(shape))


def test_integers_are_refused() -> None:
    with pytest.raises(BadModel, match=r"torch\.int64: give floating-point weights"):
        Binary().store(torch.ones(2, 2, dtype=torch.int64))


def test_one_weight_cannot_be_standardised() -> None:
    with pytest.raises(BadModel, match="leaves nothing of it: choose standardise='layer'"):
        Binary(standardise="channel").store(torch.randn(4, 1, 1, 1))
    assert Binary().store(torch.randn(4, 1, 1, 1))[0].shape == (4, 1, 1, 1)


@pytest.mark.parametrize("name", ["standardise", "scale", "estimator"])
def test_other_words_are_refused(name: str) -> None:
    with pytest.raises(BadSetting, match=f"{name} is 'all', but must be one of"):
        Binary(**{name: "all"})


@pytest.mark.parametrize("progress", [-0.1, 1.1, math.nan])
def test_a_progress_outside_0_to_1_is_refused(progress: float) -> None:
    with pytest.raises(BadSetting, match="0 to 1"):
        Binary().quantise(torch.randn(2, 2), progress=progress)


def test_json_and_back() -> None:
    adapter = TypeAdapter(Binary)
    form = Binary(standardise="channel", scale="power_of_two", estimator="annealed")
    assert adapter.validate_json(adapter.dump_json(form)) == form
    assert adapter.dump_python(form)["kind"] == "binary"
    assert form.bits == 1
