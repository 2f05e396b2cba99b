"""Surrogate shapes against integrals worked out numerically, and their gradients against the shape itself."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spikewright.errors import BadSetting
from spikewright.surrogate import Rectangle, Shape, Triangle, fire, floor

SHAPES: list[type[Rectangle | Triangle]] = [Rectangle, Triangle]


@pytest.mark.parametrize("kind", SHAPES)
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


@pytest.mark.parametrize("shape", [Rectangle(), Rectangle(0.3), Triangle(), Triangle(2.0)])
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


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("width", [0.0, -1.0, float("nan")])
def test_a_width_that_cannot_be_is_refused(kind: type[Rectangle | Triangle], width: float) -> None:
    with pytest.raises(BadSetting, match="surrogate gradient needs a width above 0, got"):
        kind(width)
