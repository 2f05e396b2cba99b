"""MobileNetV2: the parameter count known from elsewhere, ReLU6 everywhere, bottlenecks left linear."""

import torch
from torch import nn

from spikewright.models.mobilenet import InvertedResidual, mobilenetv2


def test_parameters_and_activations() -> None:
    model = mobilenetv2(channels=3, size=(32, 32), classes=10)
    # torchvision's MobileNetV2 has 3,504,872 with 1,000 classes; the strides carry no weights
    assert sum(p.numel() for p in model.parameters()) == 3_504_872 - 990 * 1281
    modules = list(model.modules())
    assert sum(isinstance(module, InvertedResidual) for module in modules) == 17
    assert sum(isinstance(module, nn.ReLU6) for module in modules) == 2 * 17 - 1 + 2
    assert not any(isinstance(module, nn.ReLU) for module in modules)


def test_the_image_shrinks_eightfold() -> None:
    model = mobilenetv2(channels=3, size=(32, 32), classes=10).eval()
    assert model.get_submodule("features")(torch.rand(1, 3, 16, 16)).shape == (1, 1280, 2, 2)


def test_a_block_ends_linear_and_adds_its_input() -> None:
    block = InvertedResidual(4, 4, expansion=6, stride=1).eval()
    x = torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    assert block(x).min() < 0
    assert torch.equal(block(x), x + block.layers(x))
    assert not InvertedResidual(4, 4, expansion=6, stride=2).residual
    assert not InvertedResidual(4, 8, expansion=6, stride=1).residual
