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
    depth = int(factory.__name__.removeprefix("resnet"))
    # ResNet-19 is named for two linear layers at the end; this one has one
    assert len(layers) - len(projections) == depth - (depth == 19)


def test_resnet19_has_the_parameters_and_shapes_of_table_2() -> None:
    model = next(f for f in MODELS if f.__name__ == "resnet19")(channels=3, size=(32, 32), classes=10)
    assert sum(p.numel() for p in model.parameters()) == 12_569_226
    # stem, three blocks at 128, three at 256, two at 512, each stage after the first with a projection
    convolutions = 3 * 128 * 9 + 6 * 128 * 128 * 9
    convolutions += 128 * 256 * 9 + 5 * 256 * 256 * 9 + 128 * 256 + 256 * 512 * 9 + 3 * 512 * 512 * 9 + 256 * 512
    norms = 2 * (7 * 128 + 7 * 256 + 5 * 512)
    assert convolutions + norms + 512 * 10 + 10 == 12_569_226
    sizes = []
    for part in model.modules():
        if isinstance(part, nn.ReLU):
            part.register_forward_hook(lambda _, __, out: sizes.append(tuple(out.shape[1:])))
    model.eval()(torch.zeros(1, 3, 32, 32))
    assert sizes == [(128, 32, 32)] * 7 + [(256, 16, 16)] * 6 + [(512, 8, 8)] * 4


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
