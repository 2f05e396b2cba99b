"""Direct input: the whole value at every step."""

import numpy as np
import pytest
import torch
from support.by_hand import Builder

from spikewright.ann.ops.products import Linear
from spikewright.ann.source import INPUT
from spikewright.errors import BadSetting
from spikewright.measure.cost.latency import latency_steps
from spikewright.snn.encoders.direct import Direct


def test_the_value_in_full_at_every_step() -> None:
    x = torch.randn(3, 2, 4, dtype=torch.float64)
    train = Direct(5)(x)
    assert train.shape == (5, 3, 2, 4) and train.dtype == torch.float64
    np.testing.assert_array_equal(train.numpy(), np.stack([x.numpy()] * 5))
    assert train.stride(0) == 0, "who delivers it can tell that it need do so once"
    assert Direct(5).steps == 5
    assert Direct(1)(x).shape == (1, 3, 2, 4)


def test_a_readout_has_its_window_when_the_input_has_been_shown() -> None:
    net = Builder((3,), encoder=Direct(5))
    net.add("out", Linear(), INPUT, weight=net.weight(2, 3))
    assert latency_steps(net.done().plan) == 5


@pytest.mark.parametrize("timesteps", [0, -1])
def test_no_steps(timesteps: int) -> None:
    with pytest.raises(BadSetting, match=f"timesteps must be at least 1, got {timesteps}"):
        Direct(timesteps)
