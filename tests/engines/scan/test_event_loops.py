"""Products by entries against sums over all of them, in Python."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spikewright.engines.scan import event_loops as events

f = np.float32


def matrices(seed: int, rows: int, columns: int, outputs: int, density: float) -> tuple[np.ndarray, ...]:
    """Eighths, so that every sum is exact in whatever order."""
    random = np.random.default_rng(seed)
    x = random.integers(-8, 9, (rows, columns)) / 8 * (random.random((rows, columns)) < density)
    return tuple(
        array.astype(f)
        for array in (
            x,
            random.integers(-64, 65, (columns, outputs)) / 8,
            random.integers(-64, 65, (rows, outputs)) / 8,
        )
    )


@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(1, 9),
    columns=st.integers(1, 20),
    outputs=st.sampled_from([1, 7, 127, 128, 129, 300]),
    density=st.sampled_from([0.0, 0.2, 1.0]),
)
def test_products_like_python(seed: int, rows: int, columns: int, outputs: int, density: float) -> None:
    x, given_rows, outer = matrices(seed, rows, columns, outputs, density)
    starts, index = np.empty(rows + 1, np.int64), np.empty(x.size + columns, np.int32)
    assert events.find(x, starts, index)
    entries = [(r, int(k)) for r in range(rows) for k in index[starts[r] : starts[r + 1]]]
    assert entries == [(r, k) for r in range(rows) for k in range(columns) if x[r, k] != 0]
    forward, slopes = np.full((rows, outputs), 7, f), np.full((columns, outputs), 7, f)
    half, middle = rows // 2, outputs // 2
    for first, last in ((0, half), (half, rows)):
        events.gather(forward, x, starts, index, given_rows, first, last)
    for first, last in ((0, middle), (middle, outputs)):
        events.scatter(slopes, x, starts, index, outer, first, last)
    for m in range(outputs):
        for r in range(rows):
            assert forward[r, m] == sum(float(x[r, k]) * float(given_rows[k, m]) for k in range(columns))
        for k in range(columns):
            assert slopes[k, m] == sum(float(x[r, k]) * float(outer[r, m]) for r in range(rows))


@given(st.integers(0, 12), st.integers(0, 2**32 - 1))
def test_more_entries_than_there_is_room_for_are_noticed(limit: int, seed: int) -> None:
    x = matrices(seed, 4, 6, 1, 0.3)[0]
    starts, index = np.empty(5, np.int64), np.empty(limit + 6 + 3, np.int32)
    index[limit + 6 :] = -7
    assert events.find(x, starts, index[: limit + 6]) == (np.count_nonzero(x) <= limit)
    assert (index[limit + 6 :] == -7).all()  # nothing was written beyond


def test_rows_and_columns_outside_the_range_are_left_alone() -> None:
    x, given_rows, outer = matrices(0, 4, 6, 10, 0.5)
    starts, index = np.empty(5, np.int64), np.empty(30, np.int32)
    assert events.find(x, starts, index)
    forward, slopes = np.full((4, 10), 7, f), np.full((6, 10), 7, f)
    events.gather(forward, x, starts, index, given_rows, 1, 3)
    events.scatter(slopes, x, starts, index, outer, 2, 5)
    assert (forward[[0, 3]] == 7).all()
    assert (slopes[:, [0, 1, 5, 6, 7, 8, 9]] == 7).all()
    assert np.array_equal(forward[1:3], (x @ given_rows)[1:3])
    assert np.array_equal(slopes[:, 2:5], (x.T @ outer)[:, 2:5])
