"""He's variance, counted on a large layer."""

import pytest
import torch
from torch import nn

from spikewright.models.initialise import he_normal


def test_variance_is_two_over_the_fan_out() -> None:
    model = nn.Sequential(nn.Conv2d(64, 256, kernel_size=3), nn.Linear(4, 4), nn.Conv2d(2048, 2048, 3, groups=2048))
    linear = model[1].weight.clone()  # type: ignore[union-attr, operator]
    he_normal(model)
    weight = model[0].weight
    assert isinstance(weight, torch.Tensor)
    assert weight.var().item() == pytest.approx(2 / (256 * 9), rel=0.03)
    depthwise = model[2].weight
    assert isinstance(depthwise, torch.Tensor)
    assert depthwise.var().item() == pytest.approx(2 / 9, rel=0.05), "the groups were forgotten"
    assert torch.equal(model[1].weight, linear)  # type: ignore[arg-type]
