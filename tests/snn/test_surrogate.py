"""Surrogate shapes against integrals worked out numerically, snnTorch, and their gradients against the shape itself."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from snntorch import surrogate
from torch import Tensor

from spikewright.errors import BadSetting
from spikewright.snn.surrogate import (
    SHAPES,
    Arctangent,
    FastSigmoid,
    Rectangle,
    Shape,
    Sigmoid,
    Triangle,
    fire,
    floor,
    shape_named,
)

FINITE: list[type[Rectangle | Triangle]] = [Rectangle, Triangle]


@pytest.mark.parametrize("kind", FINITE)
@given(width=st.floats(0.1, 5))
@settings(max_examples=20)
def test_a_shape_is_even_has_a_finite_width_and_an_integral_of_one(
    kind: type[Rectangle | Triangle], width: float
) -> None:
    shape = kind(width)
    grid = torch.linspace(-6, 6, 24_001, dtype=torch.float64)
    slope = shape.slope(grid)
    assert float(torch.trapezoid(slope, grid)) == pytest.approx(1, abs=1e-2)
    assert torch.equal(slope, slope.flip(0))
    assert bool((slope[grid.abs() > width] == 0).all())
    assert float(slope.min()) == 0
    assert float(slope.max()) == pytest.approx(1 / width)


def test_shapes_by_hand() -> None:
    distance = torch.tensor([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0])
    assert Rectangle(2.0).slope(distance).tolist() == [0, 0, 0.5, 0.5, 0.5, 0, 0]
    assert Triangle(2.0).slope(distance).tolist() == [0, 0.25, 0.375, 0.5, 0.375, 0.25, 0]


@pytest.mark.parametrize("shape", [*(shape_named(name) for name in SHAPES), Rectangle(0.3), Triangle(2.0)])
def test_firing_is_the_step_forward_and_the_shape_backward(shape: Shape) -> None:
    distance = torch.tensor([-1.5, -0.4, -0.1, -1e-7, 0.0, 0.1, 0.4, 3.0], requires_grad=True)
    spikes = fire(distance, shape)
    assert spikes.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]  # a tie fires
    outer = torch.arange(1.0, 9.0)
    (gradient,) = torch.autograd.grad(spikes, distance, outer)
    assert torch.equal(gradient, outer * shape.slope(distance.detach()))


def test_firing_without_gradients_makes_no_graph() -> None:
    assert not fire(torch.ones(2), Rectangle()).requires_grad


def test_floor_passes_gradients_straight_through() -> None:
    value = torch.tensor([-1.5, -1.0, 0.0, 0.999, 2.0, 7.3], dtype=torch.float64, requires_grad=True)
    found = floor(value)
    assert found.tolist() == [-2, -1, 0, 0, 2, 7]
    (gradient,) = torch.autograd.grad(found.sum(), value)
    assert gradient.tolist() == [1] * 6


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("width", [0.0, -1.0, float("nan"), float("inf")])
def test_a_width_that_cannot_be_is_refused(name: str, width: float) -> None:
    with pytest.raises(BadSetting, match=f"surrogate gradient needs a finite width above 0, got {width}"):
        shape_named(name, width)


@pytest.mark.parametrize(("name", "integral"), [("arctangent", 1.0), ("sigmoid", 1.0), ("fast_sigmoid", None)])
@given(width=st.floats(0.1, 5))
@settings(max_examples=20)
def test_a_shape_with_tails_is_even_and_its_integral_is_as_documented(
    name: str, integral: float | None, width: float
) -> None:
    """Integrated over d = width·tan(a): the line becomes an interval, tails and all."""
    shape = shape_named(name, width)
    angle = torch.linspace(-torch.pi / 2, torch.pi / 2, 200_003, dtype=torch.float64)[1:-1]
    distance = width * angle.tan()
    slope = shape.slope(distance)
    assert bool((slope >= 0).all())
    assert torch.equal(shape.slope(-distance), slope)
    found = float(torch.trapezoid(slope * width / angle.cos() ** 2, angle))
    assert found == pytest.approx(2 * width if integral is None else integral, rel=1e-3)


@given(distance=st.lists(st.floats(-8, 8), min_size=1, max_size=20), width=st.sampled_from([0.04, 0.25, 1.0, 2.0]))
def test_slopes_are_those_of_the_formulas(distance: list[float], width: float) -> None:
    d = torch.tensor(distance, dtype=torch.float64)
    k = 1 / width
    sigma = [1 / (1 + math.exp(-k * value)) for value in distance]
    alpha = 2 / width
    expected = {
        "arctangent": [alpha / 2 / (1 + (math.pi / 2 * alpha * value) ** 2) for value in distance],
        "fast_sigmoid": [1 / (1 + k * abs(value)) ** 2 for value in distance],
        "sigmoid": [k * value * (1 - value) for value in sigma],
        "rectangle": [float(abs(value) < width / 2) / width for value in distance],
        "triangle": [max(0, 1 - abs(value) / width) / width for value in distance],
    }
    assert set(expected) == set(SHAPES)
    for name, slopes in expected.items():
        assert shape_named(name, width).slope(d).tolist() == pytest.approx(slopes, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("shape", "theirs"),
    [
        (Arctangent(), surrogate.atan(alpha=2.0)),
        (Arctangent(0.5), surrogate.atan(alpha=4.0)),
        (FastSigmoid(), surrogate.fast_sigmoid(slope=25)),
        (FastSigmoid(0.5), surrogate.fast_sigmoid(slope=2)),
        (Sigmoid(0.2), surrogate.sigmoid(slope=5)),
    ],
)
def test_slopes_are_those_of_snntorch(shape: Shape, theirs: Callable[[Tensor], Tensor]) -> None:
    distance = torch.linspace(-3, 3, 1001, dtype=torch.float64).requires_grad_()
    (expected,) = torch.autograd.grad(theirs(distance).double().sum(), distance)
    (found,) = torch.autograd.grad(fire(distance, shape).sum(), distance)
    assert torch.allclose(found, expected, rtol=1e-9, atol=0)


def test_far_tails_are_numbers() -> None:
    for name in SHAPES:
        slope = shape_named(name, 0.01).slope(torch.tensor([-1e4, 1e4]))
        assert bool((slope < 1e-6).all()), name


def test_shapes_go_by_name() -> None:
    for name, kind in SHAPES.items():
        assert shape_named(name) == kind()
        assert shape_named(name).kind == name
        assert shape_named(name, 0.3).width == 0.3
    with pytest.raises(
        BadSetting, match=r"no surrogate gradient named 'arctan': did you mean 'arctangent'\? choose among"
    ):
        shape_named("arctan")
    with pytest.raises(BadSetting, match="named 'xyz': choose among arctangent, fast_sigmoid, rectangle, sigmoid"):
        shape_named("xyz")


def test_floor_is_exact_with_a_gradient_too() -> None:
    value = torch.rand(100_000, generator=torch.Generator().manual_seed(0)) * 8 - 4
    value[:1000] *= 1e-7
    assert torch.equal(floor(value.clone().requires_grad_()), value.floor())
