"""Inputs too large for one product in float32 are split in two where both halves fit, and else left to float64."""

import pytest

from spikewright.engines.int8.operations.products import _split
from spikewright.engines.int8.products import FLOAT32_EXACT


@pytest.mark.parametrize("read", [1.0, 255.0, 4095.0, 2.0**20 + 3, 2.0**24 - 1, 2.0**24, 2.0**25])
@pytest.mark.parametrize("reach", [1.0, 100.0, 5000.0, 2.0**20])
def test_halves_of_a_split_fit_float32(read: float, reach: float) -> None:
    split = _split(read, reach * read)
    if split is None:
        halves = max(2 ** (int(read).bit_length() // 2), read / 2 ** (int(read).bit_length() // 2) + 1)
        assert read >= FLOAT32_EXACT or reach * halves >= FLOAT32_EXACT, "a split that would do is not passed by"
        return
    assert read < FLOAT32_EXACT, "float32 must hold what is split"
    largest_low, largest_high = split - 1, read // split
    assert reach * largest_low < FLOAT32_EXACT and reach * largest_high < FLOAT32_EXACT
