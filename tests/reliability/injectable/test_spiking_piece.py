"""Trains that meet have as many steps: a shorter one, as a value shown at once, ends in steps without spikes."""

import numpy as np
import pytest
import torch
from support.by_hand import Builder

from spikewright.ann.ops.arithmetic import Add
from spikewright.ann.ops.moves import Concat
from spikewright.ann.ops.products import Linear
from spikewright.ann.source import INPUT
from spikewright.conversion.quantise import quantise
from spikewright.engines.network import build
from spikewright.reliability.injectable.propagate import run_golden
from spikewright.reliability.injectable.spiking import SpikingTarget
from spikewright.snn.code import Code
from spikewright.snn.formats.uniform import Uniform
from spikewright.snn.schedules.lockstep import Lockstep

BITS = Uniform(bits=8)


@pytest.mark.parametrize("op", [Add(), Concat(dim=1)])
def test_a_value_shown_at_once_meets_a_train(op: Add | Concat) -> None:
    net = Builder((6,))
    net.add("a", Linear(), INPUT, weight=net.weight(6, 6), code=Code.rate(4), schedule=Lockstep())
    net.add("both", op, "a", INPUT, code=Code.rate(4), schedule=Lockstep())
    net.add("out", Linear(), "both", weight=net.weight(3, net.shapes["both"][0]))
    blueprint = net.done()
    x = torch.randn(9, 6, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = build(quantise(blueprint, BITS), dtype=torch.float64)(x.double()).numpy()
        found = run_golden(SpikingTarget(blueprint, BITS), x, np.arange(9)).scores
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
