"""The clipped rounding and its gradients against a slow reference, one number at a time."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikewright.ann.rounding import clipped_round, rounded
from spikewright.errors import BadModel

VALUES = st.floats(-3, 5, width=32).map(lambda value: round(value, 3))


def _forward(z: float, theta: float, levels: int) -> float:
    return theta * math.floor(levels * min(max(z / theta, 0.0), 1.0) + 0.5) / levels


def _backward(z: float, theta: float, levels: int) -> tuple[float, float]:
    """∂a/∂z and ∂a/∂θ, straight through."""
    if z <= 0:
        return 0.0, 0.0
    if z >= theta:
        return 0.0, 1.0
    return 1.0, (_forward(z, theta, levels) - z) / theta


@given(st.lists(VALUES, min_size=1, max_size=20), st.floats(0.25, 4), st.integers(1, 255))
@pytest.mark.parametrize("per_channel", [False, True])
def test_forward_and_backward(per_channel: bool, values: list[float], theta: float, levels: int) -> None:
    z = torch.tensor([values, values], dtype=torch.float64, requires_grad=True)
    thetas = [theta, theta * 1.5] if per_channel else [theta, theta]
    given = torch.tensor(thetas if per_channel else theta, dtype=torch.float64)
    threshold = (given.reshape(2, 1) if per_channel else given).requires_grad_()
    out = clipped_round(z, threshold, levels)
    weights = torch.arange(1, z.numel() + 1, dtype=torch.float64).reshape(z.shape)
    (out * weights).sum().backward()
    to_threshold = [0.0, 0.0]
    for row, top in enumerate(thetas):
        for column, value in enumerate(values):
            position = levels * min(max(value / top, 0.0), 1.0) + 0.5
            if abs(position - round(position)) > 1e-9:  # a tie may fall either way in floating point
                assert out[row, column].item() == pytest.approx(_forward(value, top, levels), abs=1e-12)
            if abs(value - top) < 1e-9:
                return
            to_z, part = _backward(value, top, levels)
            if to_z:  # from the output as it came out, ties included
                part = (out[row, column].item() - value) / top
            factor = float(weights[row, column])
            assert float(z.grad[row, column]) == to_z * factor
            to_threshold[row] += part * factor
    expected = to_threshold if per_channel else [sum(to_threshold)]
    assert threshold.grad is not None
    assert threshold.grad.flatten().tolist() == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_tie_rounds_up(dtype: torch.dtype) -> None:
    """Powers of two are exact, so every half is a tie."""
    z = torch.arange(-4, 24, dtype=dtype) / 8
    rounded = clipped_round(z, torch.tensor(2.0, dtype=dtype), 8)
    assert rounded.tolist() == [min(max(math.floor(float(v) * 4 + 0.5), 0), 8) / 4 for v in z]


def test_gradient_of_z_is_that_of_a_clip() -> None:
    z = torch.linspace(-2, 3, 51, dtype=torch.float64, requires_grad=True)
    (to_z,) = torch.autograd.grad(clipped_round(z, torch.tensor(1.13).double(), 15).sum(), z)
    (clip,) = torch.autograd.grad(z.clamp(0, 1.13).sum(), z)
    assert torch.equal(to_z, clip)


def test_threshold_gradient_is_right_on_average() -> None:
    """Straight through, θ's gradient is that of the mean value over many numbers, by finite differences."""
    z = torch.rand(200_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2
    threshold = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(clipped_round(z, threshold, 255).mean(), threshold)
    step = 0.01
    above, below = (clipped_round(z, torch.tensor(1 + sign * step).double(), 255).mean() for sign in (1, -1))
    assert float(found) == pytest.approx(float((above - below) / (2 * step)), rel=0.02)


def test_the_operation_is_sound_for_torch() -> None:
    z = torch.randn(2, 3, requires_grad=True)
    # Not its tracing backwards (aot): with one threshold the backward pass reads its value
    plain = ("test_schema", "test_autograd_registration", "test_faketensor")
    torch.library.opcheck(clipped_round, (z, torch.tensor(0.8, requires_grad=True), 7), test_utils=plain)
    torch.library.opcheck(clipped_round, (z, torch.rand(3, requires_grad=True), 7))


def test_arguments_are_not_changed() -> None:
    z, threshold = torch.randn(3, 4), torch.tensor(0.5)
    before = z.clone()
    clipped_round(z, threshold, 3)
    clipped_round(z, torch.rand(4) + 0.1, 3)
    assert torch.equal(z, before)


def test_without_a_gradient_it_is_the_same() -> None:
    z, theta = torch.randn(4, 3), torch.tensor([0.5, 1.0, 2.0])
    for threshold in (theta, theta[0]):
        assert torch.equal(rounded(z, threshold, 7), clipped_round(z, threshold, 7))
    assert rounded(z.requires_grad_(), theta, 7).requires_grad


@pytest.mark.parametrize("threshold", [-0.5, 0.0, float("nan"), [1.0, -0.5, 1.0]])
def test_a_threshold_that_is_not_above_zero_is_refused(threshold: Any) -> None:
    with pytest.raises(BadModel, match=r"the threshold is .*, but must be above 0"):
        clipped_round(torch.ones(2, 3), torch.tensor(threshold), 3)
