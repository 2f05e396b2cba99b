"""A source taken apart: batch norm as a gain and a constant, stored integers beside their scale."""

import torch
from torch import nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.ops.arithmetic import Scale
from spikewright.conversion.stages.draft import load
from spikewright.snn.formats.stored import Stored
from spikewright.snn.formats.uniform import Uniform


def test_batch_norm_and_stored_weights() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.BatchNorm2d(2), nn.ReLU())
    norm = model[1]
    norm.running_mean.copy_(torch.tensor([0.5, -1.0]))
    norm.running_var.copy_(torch.tensor([4.0, 0.25]))
    x = torch.rand(2, 1, 4, 4)
    source = capture(model.eval(), x)
    conv, bn = source.nodes[0].name, source.nodes[1].name
    integers = torch.arange(-9, 9).reshape(2, 1, 3, 3)
    draft = load(source, {conv: Stored(Uniform(bits=8), integers, torch.tensor([[[[0.5]]], [[[0.25]]]]))})
    assert torch.equal(draft.weight[conv], integers.double())
    assert draft.gain[conv].tolist() == [0.5, 0.25]
    assert isinstance(draft.op[bn], Scale)
    value = torch.randn(1, 2, 2, 2, dtype=torch.float64)
    expected = (value - norm.running_mean.view(-1, 1, 1)) / (norm.running_var.view(-1, 1, 1) + norm.eps).sqrt()
    assert torch.allclose(value * draft.weight[bn] + draft.own[bn], expected, atol=1e-6)
    assert draft.readers()[conv] == [bn]
