"""Changed weights' part of a product, against sums in Python integers and against the product made anew."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewright.reliability.injectable.deltas import add_changes
from spikewright.reliability.injectable.differences import add_changes as added

SIZES = st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 5), st.integers(0, 4))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(sizes=SIZES, changes=st.integers(0, 12), seed=st.integers(0, 2**32 - 1))
def test_what_is_added_is_the_sum_over_changes(
    dtype: type, sizes: tuple[int, int, int, int], changes: int, seed: int
) -> None:
    steps, inputs, outputs, images = sizes
    draw = np.random.default_rng(seed)
    read = draw.integers(-9, 10, (steps, inputs, images)) * draw.integers(0, 2, (steps, inputs, 1))
    made = draw.integers(-1000, 1000, (steps, outputs, images))
    # the same weight may be named twice: both changes count
    rows, columns = np.sort(draw.integers(0, outputs, changes)), draw.integers(0, inputs, changes)
    deltas = draw.integers(-255, 256, changes)
    expected = [[[int(value) for value in row] for row in step] for step in made]
    for t in range(steps):
        for row, column, delta in zip(rows.tolist(), columns.tolist(), deltas.tolist(), strict=True):
            for n in range(images):
                expected[t][row][n] += delta * int(read[t, column, n])
    found = made.astype(dtype)
    active = (read != 0).any(2)
    add_changes(found, read.astype(dtype), active, rows, columns, deltas.astype(dtype))
    assert found.tolist() == expected
    few = made.astype(dtype)  # without compiled loops
    added(few, read.astype(dtype), active, rows, columns, deltas.astype(dtype))
    assert few.tolist() == expected


@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0, 1))
def test_a_product_with_changed_weights(seed: int, share: float) -> None:
    draw = np.random.default_rng(seed)
    weight, read = draw.integers(-128, 128, (5, 7)), draw.integers(0, 4, (2, 7, 3))
    other = np.where(draw.random((5, 7)) < share, draw.integers(-128, 128, (5, 7)), weight)
    rows, columns = np.nonzero(other != weight)
    made = np.stack([weight @ step for step in read]).astype(np.float64)
    active = (read != 0).any(2)
    add_changes(
        made, read.astype(np.float64), active, rows, columns, (other - weight)[rows, columns].astype(np.float64)
    )
    assert np.array_equal(made, np.stack([other @ step for step in read]))


def test_what_is_read_as_zero_is_not_looked_at() -> None:
    read = np.full((1, 2, 2), np.nan)
    read[0, 1] = [2.0, 3.0]
    made = np.zeros((1, 1, 2))
    changed = np.array([0, 0]), np.array([0, 1]), np.array([5.0, 7.0])
    add_changes(made, read, np.array([[False, True]]), *changed)
    assert made.tolist() == [[[14.0, 21.0]]]
