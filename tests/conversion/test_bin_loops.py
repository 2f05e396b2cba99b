"""Counting by channel and bin against torch, one operation after the other."""

import numpy as np
import pytest
import torch

from spikewright.conversion.bin_loops import count


def _slowly(values: torch.Tensor, scale: torch.Tensor, bins: int) -> torch.Tensor:
    found = torch.zeros(len(scale), bins, dtype=torch.int64)
    for c in range(len(scale)):
        channel = values[:, c].flatten()
        index = (channel * scale[c]).ceil_().sub_(1).clamp_(0, bins - 1).long()
        found[c] = torch.bincount(index[channel > 0], minlength=bins)
    return found


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("magnitude", [1e-41, 1.0, 1e30])  # the first has a scale that is infinite in float32
def test_as_torch_counts(dtype: torch.dtype, magnitude: float) -> None:
    generator = torch.Generator().manual_seed(0)
    values = (torch.randn(5, 4, 300, generator=generator) * magnitude).to(dtype)
    values[:, 2] = 0
    top = values.amax((0, 2)).double()
    scale = torch.where(top > 0, 2048 / top, 0.0).to(dtype)
    counts = np.zeros((4, 2048), np.int64)
    count(values.numpy(), scale.numpy(), counts)
    assert counts.sum() == int((values > 0).sum())
    assert torch.equal(torch.from_numpy(counts), _slowly(values, scale, 2048))
    count(values.numpy(), scale.numpy(), counts)
    assert torch.equal(torch.from_numpy(counts), 2 * _slowly(values, scale, 2048))
