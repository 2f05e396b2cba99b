"""Fake quantisation written out, against torch's own operators."""

import pytest
import torch
from torch import Tensor, nn

import spikewright as sw
from spikewright.ann import interpreter
from spikewright.ann.capture.fake_quantise import WrittenOut


@pytest.mark.parametrize(("zero", "low", "high"), [(0, 0, 15), (1, -7, 8), (-3, -8, 7)])
def test_it_is_what_torch_computes(zero: int, low: int, high: int) -> None:
    x = torch.arange(-40, 40) / 16 + 1 / 128  # no ties, which round by the last bit
    wanted = torch.fake_quantize_per_tensor_affine(x, 0.125, zero, low, high)
    scale, point = torch.tensor([0.125]), torch.tensor([zero], dtype=torch.int32)
    with WrittenOut():
        assert torch.equal(torch.fake_quantize_per_tensor_affine(x, 0.125, zero, low, high), wanted)
        assert torch.equal(torch.fake_quantize_per_tensor_affine(x, scale, point, low, high), wanted)
        assert torch.equal(torch.relu(x), x.clamp(min=0)), "all else is as it was"
    assert len(wanted.unique()) == 16


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_by_channel_it_is_what_torch_computes(axis: int) -> None:
    x = torch.arange(36).reshape(3, 3, 4).float().sin()
    count = x.shape[axis]
    scale, zero = torch.linspace(0.1, 0.3, count), torch.tensor([0, 1, -2, 3][:count], dtype=torch.int32)
    wanted = torch.fake_quantize_per_channel_affine(x, scale, zero, axis % 3, -8, 7)
    with WrittenOut():
        torch.testing.assert_close(torch.fake_quantize_per_channel_affine(x, scale, zero, axis, -8, 7), wanted)


def test_fake_quantised_weights_are_constants() -> None:
    class Quantised(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(6, 8), nn.Linear(8, 3)

        def forward(self, x: Tensor) -> Tensor:
            scale, zero = self.first.weight.detach().abs().amax(1) / 7, torch.zeros(8, dtype=torch.int32)
            weight = torch.fake_quantize_per_channel_affine(self.first.weight, scale, zero, 0, -8, 7)
            x = torch.relu(nn.functional.linear(x, weight, self.first.bias))
            return nn.functional.linear(x, torch.fake_quantize_per_tensor_affine(self.second.weight, 0.05, 0, -8, 7))

    torch.manual_seed(2)
    model, x = Quantised().eval(), torch.randn(50, 6)
    source = sw.capture(model, x[:2])
    torch.testing.assert_close(interpreter.run(source, x), model(x).detach(), rtol=1e-5, atol=1e-5)
    assert [node.op.kind for node in source.nodes] == ["linear", "activation", "linear"]
