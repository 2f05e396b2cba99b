"""Graded and repeated inputs hold the same total."""

import pytest
import torch

from spikewright.errors import BadSetting
from spikewright.snn.encoders.graded import Graded
from spikewright.snn.encoders.repeat import Repeat


def test_totals() -> None:
    x = torch.randn(3, 2, 4, dtype=torch.float64)
    assert Graded()(x).shape == (1, 3, 2, 4)
    assert Repeat(5)(x).shape == (5, 3, 2, 4)
    torch.testing.assert_close(Repeat(5)(x).sum(0), x)


def test_no_steps() -> None:
    with pytest.raises(BadSetting, match="at least 1"):
        Repeat(0)
