"""Activations with levels, as others write them, against sums in float64 and against the spiking network."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import spikewright as sw
from spikewright.ann import interpreter
from spikewright.errors import UnsupportedModule


class Rounded(nn.Module):
    """Two layers with an activation of one's own between."""

    def __init__(self, activation: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.second, self.activation = nn.Linear(6, 8), nn.Linear(8, 3), activation
        self.top = nn.Parameter(torch.tensor(0.8))

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.activation(self.first(x), self.top))


LEVELS = {
    "QCFS": (lambda z, t: torch.floor((z / t).clamp(0, 1) * 15 + 0.5) / 15 * t, 15),
    "QCFS, written with relu": (
        lambda z, t: torch.floor(torch.nn.functional.hardtanh(z / t, 0, 1) * 7 + 0.5) / 7 * t,
        7,
    ),
    "learned step": (lambda z, t: torch.round((z / (t / 15)).clamp(0, 15)) * (t / 15), 15),
    "fake quantised": (lambda z, t: torch.fake_quantize_per_tensor_affine(torch.relu(z), 0.1, 0, 0, 15), 15),
    "fake quantised, signed": (lambda z, t: torch.fake_quantize_per_tensor_affine(z, 0.125, 1, -7, 8), 15),
    "in place": (lambda z, t: z.div(t).clamp_(0, 1).mul_(3).round_().div_(3).mul(t), 3),
}


@pytest.mark.parametrize("name", LEVELS)
def test_it_is_captured_with_its_levels_and_equals_the_source_as_trained(name: str) -> None:
    activation, levels = LEVELS[name]
    torch.manual_seed(1)
    model, x = Rounded(activation).eval(), torch.randn(200, 6)
    source = sw.capture(model, x[:2])
    (node,) = source.activations
    assert node.op.levels == levels
    expected = model(x).detach()
    torch.testing.assert_close(interpreter.run(source, x), expected, rtol=1e-5, atol=1e-5)
    network = sw.convert(source, method="exact", timesteps=(levels + 1).bit_length() - 1)
    assert sw.verify(network, source, x).equal
    torch.testing.assert_close(network(x), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "activation",
    [
        lambda z, t: torch.floor(z * 15 + 0.5),
        lambda z, t: torch.floor((z / t).clamp(0, 1) * 15),
        lambda z, t: torch.round((z / t).clamp(0, 1) * 2.5),
        lambda z, t: torch.round(torch.relu(z) * 4),
        lambda z, t: torch.round((z / t).clamp(0, 1) * -3),
    ],
)
def test_other_roundings_are_refused(activation: Callable[[Tensor, Tensor], Tensor]) -> None:
    with pytest.raises(UnsupportedModule, match=r"floor|round"):
        sw.capture(Rounded(activation).eval(), torch.randn(2, 6))
