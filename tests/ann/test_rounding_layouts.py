"""The clipped rounding's gradients do not depend on how the numbers lie in memory, nor on their precision."""

import math

import pytest
import torch

from spikewright.ann.rounding import clipped_round

LEVELS, THETA = 7, 0.8
NOISE = torch.randn(2, 4, 6, 5, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
Z, G = NOISE[0], NOISE[1]
LAST = torch.channels_last
LAYOUTS = {
    "contiguous": (Z, G),
    "channels last": (Z.contiguous(memory_format=LAST), G.contiguous(memory_format=LAST)),
    "mixed": (Z.contiguous(memory_format=LAST), G),
    "expanded gradient": (Z.contiguous(memory_format=LAST), G[:1, :1, :1, :1].expand(4, 6, 5, 8)),
    "permuted": (Z.permute(3, 1, 0, 2), G.permute(3, 1, 0, 2)),
    "with gaps": (Z[:, ::2], G[:, ::2]),
    "with gaps, permuted": (Z[:, ::2].permute(1, 0, 3, 2), G[:, ::2].permute(1, 0, 3, 2)),
    "one number": (Z[0, 0, 0, 0], G[0, 0, 0, 0]),
    "nothing": (Z[:0], G[:0]),
}


def slow(z: torch.Tensor, g: torch.Tensor) -> tuple[list[float], float]:
    """The documented gradients, one number at a time."""
    to_z, to_threshold = [], 0.0
    for value, gradient in zip(z.flatten().tolist(), g.flatten().tolist(), strict=True):
        inside = 0 < value < THETA
        to_z.append(gradient if inside else 0.0)
        if inside:
            a = THETA * math.floor(LEVELS * value / THETA + 0.5) / LEVELS
            to_threshold += gradient * (a - value) / THETA
        elif value >= THETA:
            to_threshold += gradient
    return to_z, to_threshold


@pytest.mark.parametrize("name", LAYOUTS)
def test_gradients_do_not_depend_on_memory_layout(name: str) -> None:
    z, g = LAYOUTS[name]
    leaf = z.detach().requires_grad_()
    threshold = torch.tensor(THETA, dtype=torch.float64, requires_grad=True)
    clipped_round(leaf, threshold, LEVELS).backward(g)
    to_z, to_threshold = slow(z, g)
    assert leaf.grad is not None and threshold.grad is not None
    assert leaf.grad.flatten().tolist() == to_z
    assert threshold.grad.item() == pytest.approx(to_threshold, rel=1e-9)


def test_bfloat16_sums_the_gradient_of_the_threshold_in_float32() -> None:
    generator = torch.Generator().manual_seed(5)
    z = (torch.rand(20_000, generator=generator) * 0.99 + 0.005).bfloat16().requires_grad_()
    threshold = torch.tensor(1.0, requires_grad=True)
    a = clipped_round(z, threshold, 15)
    a.backward(torch.ones_like(a))
    expected = (a.detach().double() - z.detach().double()).sum().item()
    assert threshold.grad is not None
    assert threshold.grad.item() == pytest.approx(expected, abs=0.05)
