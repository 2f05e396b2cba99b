"""Resampling by constant weights: what torch makes of it, and the spiking network, to the last code."""

import pytest
from support.between import Move, require_equal
from torch.nn import functional as F

MOVES: dict[str, Move] = {
    "bilinear": lambda x: F.interpolate(x, size=(9, 5), mode="bilinear"),
    "bilinear by a factor": lambda x: F.interpolate(x, scale_factor=(1.6, 2.3), mode="bilinear"),
    "bilinear, corners": lambda x: F.interpolate(x, size=(9, 12), mode="bilinear", align_corners=True),
    "bicubic": lambda x: F.interpolate(x, size=(10, 12), mode="bicubic"),
}


@pytest.mark.parametrize("name", MOVES)
def test_what_is_resampled_is_what_torch_resamples(name: str) -> None:
    require_equal(MOVES[name])
