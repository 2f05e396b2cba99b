"""Non-zero MACs against a count of products, one by one."""

import torch
from torch import nn

from spikewright.ann.capture.capture import capture
from spikewright.measure.cost.fan_out import macs_source
from spikewright.measure.cost.source_activity import macs_per_element, nonzero_macs


def test_zeros_are_skipped_and_nothing_else() -> None:
    torch.manual_seed(0)
    first, second = nn.Conv2d(1, 2, 3, padding=1), nn.Linear(32, 4)
    model = nn.Sequential(first, nn.ReLU(), nn.Flatten(), second).eval()
    x = torch.randn(3, 1, 4, 4)
    x[:, :, :2] = 0
    source = capture(model, x)
    active = int((model[:3](x) != 0).sum())
    ones = nn.functional.conv2d((x != 0).float(), torch.ones(2, 1, 3, 3), padding=1)
    found = nonzero_macs(source, x, per_element=macs_per_element(source))
    assert found == int(ones.sum()) + 4 * active
    assert 0 < found < 3 * macs_source(source)


def test_without_zeros_it_is_all_macs() -> None:
    model = nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 3)).eval()
    source = capture(model, torch.randn(2, 5))
    found = nonzero_macs(source, torch.ones(2, 5), per_element=macs_per_element(source))
    assert found == 2 * macs_source(source) == 2 * 32
