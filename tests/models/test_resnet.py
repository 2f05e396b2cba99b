"""Residual networks: depth as in the name, the paper's parameter count, and a join that adds."""

import pytest
import torch
from torch import nn

from spikewright.models.resnet import MODELS, BasicBlock


@pytest.mark.parametrize("factory", MODELS, ids=lambda factory: factory.__name__)
def test_depth_is_the_number_in_the_name(factory) -> None:  # type: ignore[no-untyped-def]
    model = factory(channels=3, size=(32, 32), classes=10)
    layers = [m for m in model.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    projections = [m for m in layers if isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1)]
    assert len(layers) - len(projections) == int(factory.__name__.removeprefix("resnet"))


def test_resnet20_has_the_paper_s_weights_and_two_projections() -> None:
    model = next(f for f in MODELS if f.__name__ == "resnet20")(channels=3, size=(32, 32), classes=10)
    # 0.27 million in the paper (Table 6); two projections of 1x1 with their batch norm beside it
    projections = 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    assert sum(p.numel() for p in model.parameters()) - projections == 269_722


@pytest.mark.parametrize(("inputs", "stride"), [(8, 1), (8, 2), (4, 1)])
def test_a_block_adds_its_shortcut(inputs: int, stride: int) -> None:
    block = BasicBlock(inputs, 8, stride=stride).eval()
    x = torch.randn(2, inputs, 6, 6, generator=torch.Generator().manual_seed(0))
    assert block(x).shape == (2, 8, 6 // stride, 6 // stride)
    nn.init.zeros_(block.conv2.weight)  # leaves the shortcut alone
    assert torch.equal(block(x), torch.relu(block.shortcut(x)))
