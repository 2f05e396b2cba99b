"""Chosen rows read as the array of these rows would."""

import numpy as np
import pytest

from spikewright.data.events.chosen import ChosenRows

ARRAY = np.random.default_rng(0).integers(0, 256, (9, 2, 3), dtype=np.uint8)
ROWS = np.array([4, 0, 7, 7, 8])


@pytest.mark.parametrize("key", [0, -1, slice(1, 4), np.array([3, 0]), np.array([True, False, True, False, False])])
def test_reading_is_that_of_the_copy(key) -> None:
    assert np.array_equal(ChosenRows(ARRAY, ROWS)[key], ARRAY[ROWS][key])


def test_it_describes_itself_as_the_copy_would() -> None:
    chosen, copy = ChosenRows(ARRAY, ROWS), ARRAY[ROWS]
    assert (chosen.shape, chosen.ndim, chosen.dtype, len(chosen)) == (copy.shape, copy.ndim, copy.dtype, len(copy))


def test_rows_are_chosen_among_the_chosen_and_nothing_is_copied() -> None:
    mask = np.array([True, False, False, True, True])
    part = ChosenRows(ARRAY, ROWS).take(mask)
    assert part.array is ARRAY
    assert np.array_equal(part[:], ARRAY[ROWS][mask])
