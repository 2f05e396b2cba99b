"""The grid encoder rounds ties upwards, clamps, and gives integers."""

import pytest
import torch

from spikewright.errors import BadSetting
from spikewright.snn.encoders.grid import Grid


def test_rounds_and_clamps() -> None:
    x = torch.tensor([[0.5, -0.5, 0.25, 0.24, 1e9, -1e9]])
    assert Grid(fraction_bits=1, limit=100)(x).tolist() == [[[1, -1, 1, 0, 100, -100]]]


@pytest.mark.parametrize("settings", [{"fraction_bits": -1}, {"fraction_bits": 16}, {"limit": 0}])
def test_impossible_settings(settings: dict[str, int]) -> None:
    with pytest.raises(BadSetting):
        Grid(**settings)
