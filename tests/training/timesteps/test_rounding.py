"""Rounding to a learned number of levels against a slow reference, one number at a time."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikewright.ann.rounding import clipped_round
from spikewright.training.timesteps.rounding import learned_round, whole

VALUES = st.floats(-3, 5, width=32).map(lambda value: round(value, 3))


def _round(x: float, alpha: float, t: float) -> float:
    steps = max(1, math.floor(t + 0.5))
    return alpha * math.floor(steps * min(max(x / alpha, 0.0), 1.0) + 0.5) / steps


def _slopes(x: float, q: float, alpha: float, t: float) -> tuple[float, float, float]:
    """∂Q/∂x, ∂Q/∂α and ∂Q/∂t, Eq. 10."""
    if x <= 0:
        return 0.0, 0.0, 0.0
    if x >= alpha:
        return 0.0, 1.0, 0.0
    return 1.0, (q - x) / alpha, -(q - x) / t


@given(st.lists(VALUES, min_size=1, max_size=20), st.floats(0.25, 4), st.floats(1, 40))
def test_forward_and_backward(values: list[float], alpha: float, t: float) -> None:
    x = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    parameters = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (alpha, t)]
    out = learned_round(x, *parameters)
    weights = torch.arange(1, len(values) + 1, dtype=torch.float64)
    (out * weights).sum().backward()
    sums = [0.0, 0.0]
    for index, value in enumerate(values):
        steps = max(1, math.floor(t + 0.5))
        position = steps * min(max(value / alpha, 0.0), 1.0) + 0.5
        if abs(position - round(position)) > 1e-9:  # a tie may fall either way in floating point
            assert out[index].item() == pytest.approx(_round(value, alpha, t), abs=1e-12)
        if abs(value - alpha) < 1e-9:
            return
        slopes = _slopes(value, out[index].item(), alpha, t)
        assert x.grad is not None and float(x.grad[index]) == slopes[0] * float(weights[index])
        sums = [total + slope * float(weights[index]) for total, slope in zip(sums, slopes[1:], strict=True)]
    found = [float(parameter.grad) for parameter in parameters if parameter.grad is not None]
    assert found == pytest.approx(sums, rel=1e-9, abs=1e-9)


@given(st.floats(1, 300), st.floats(0.3, 3))
def test_the_forward_pass_is_that_of_whole_levels(t: float, alpha: float) -> None:
    x = torch.linspace(-1, 4, 301)
    steps = int(whole(torch.tensor(t)))
    assert steps == math.floor(torch.tensor(t).item() + 0.5)
    assert torch.equal(
        learned_round(x, torch.tensor(alpha), torch.tensor(t)), clipped_round(x, torch.tensor(alpha), steps)
    )


def test_halves_round_up_in_values_and_in_timesteps() -> None:
    x = torch.arange(-4, 24).double() / 8
    rounded = learned_round(x, torch.tensor(2.0).double(), torch.tensor(8.0).double())
    assert rounded.tolist() == [min(max(math.floor(float(v) * 4 + 0.5), 0), 8) / 4 for v in x]
    assert whole(torch.tensor([-3.0, 0.2, 1.49, 1.5, 2.5, 3.5])).tolist() == [1, 1, 1, 2, 3, 4]


@pytest.mark.parametrize("layout", ["channels_last", "gaps", "expanded"])
def test_any_layout_gives_the_same(layout: str) -> None:
    generator = torch.Generator().manual_seed(0)
    plain = torch.randn(4, 6, 5, 5, generator=generator)
    weights = torch.randn(4, 6, 5, 5, generator=generator)
    if layout == "expanded":
        plain = plain[:1].expand(4, 6, 5, 5).contiguous()

    def gradients(x: torch.Tensor, weights: torch.Tensor) -> list[torch.Tensor]:
        alpha, t = (torch.tensor(value, requires_grad=True) for value in (1.1, 3.2))
        x = x.detach().requires_grad_()
        return list(torch.autograd.grad((learned_round(x, alpha, t) * weights).sum(), [x, alpha, t]))

    if layout == "channels_last":
        other = plain.contiguous(memory_format=torch.channels_last)
    elif layout == "gaps":
        other = torch.stack([plain, plain], -1)[..., 0]
    else:
        other = plain[:1].expand(4, 6, 5, 5)
    for a, b in zip(gradients(plain, weights), gradients(other, weights), strict=True):
        torch.testing.assert_close(a, b)


def test_bfloat16_sums_in_float32() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(100_000, generator=generator).bfloat16()
    gradient = torch.randn(100_000, generator=generator).bfloat16()
    alpha, t = (torch.tensor(value, requires_grad=True) for value in (0.75, 4.0))
    out = learned_round(x.clone().requires_grad_(), alpha, t)
    assert out.dtype == torch.bfloat16
    found = torch.autograd.grad(out, [alpha, t], gradient)
    q, z, g = (tensor.detach().double() for tensor in (out, x, gradient))
    inside = (z > 0) & (z < 0.75)
    to_alpha = (g * torch.where(inside, (q - z) / 0.75, (z >= 0.75).double())).sum()
    to_t = (g * inside * -(q - z) / 4.0).sum()
    assert found[0].dtype == torch.float32
    torch.testing.assert_close(torch.stack(found).double(), torch.stack([to_alpha, to_t]), rtol=1e-3, atol=1e-2)


def test_the_gradient_of_t_points_to_less_error() -> None:
    """On values between the levels, following −∂/∂t of the squared error raises t."""
    x = torch.rand(10_000, generator=torch.Generator().manual_seed(1))
    alpha, t = torch.tensor(1.0), torch.tensor(2.0, requires_grad=True)
    (found,) = torch.autograd.grad((learned_round(x, alpha, t) - x).square().sum() / 2, t)
    assert float(found) < 0


def test_arguments_are_not_changed() -> None:
    x = torch.randn(3, 4)
    before = x.clone()
    learned_round(x, torch.tensor(0.5), torch.tensor(3.0))
    assert torch.equal(x, before)
