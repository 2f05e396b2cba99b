"""Images by outcome, counted one by one in Python."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.slow_campaign import counted

from spikewright.reliability.campaign.outcomes import Outcome, classes, outcome

SCORES = st.sampled_from([0.0, -0.0, 1.0, 2.0, -1.0, math.nan, math.inf, -math.inf])


@given(st.data(), st.integers(1, 6), st.integers(1, 4))
def test_like_a_loop_over_images(data: st.DataObject, images: int, count: int) -> None:
    def drawn(rows: int) -> NDArray[np.float64]:
        flat = data.draw(st.lists(SCORES, min_size=rows * count, max_size=rows * count))
        return np.array(flat, dtype=np.float64).reshape(rows, count)

    golden, labels = drawn(images), np.array(data.draw(st.lists(st.integers(0, 3), min_size=images, max_size=images)))
    rows = np.array(sorted(data.draw(st.sets(st.integers(0, images - 1)))), dtype=np.int64)
    faulty = drawn(len(rows))
    whole = golden.copy()
    for place, row in enumerate(rows):
        whole[row] = faulty[place]
    before = golden.copy()
    assert outcome(3, golden, faulty, rows, labels) == counted(3, golden.tolist(), whole.tolist(), labels.tolist())
    assert np.array_equal(golden, before, equal_nan=True)


@given(st.data())
def test_what_is_left_out_came_out_as_it_was(data: st.DataObject) -> None:
    draw = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    golden, labels = draw.integers(0, 3, (8, 4)).astype(np.float32), draw.integers(0, 4, 8)
    faulty = np.where(draw.random((8, 1)) < 0.5, golden, draw.integers(0, 3, (8, 4)).astype(np.float32))
    every = np.arange(8)
    differing = np.flatnonzero((golden != faulty).any(1))
    whole = outcome(1, golden, faulty, every, labels)
    assert outcome(1, golden, faulty[differing], differing, labels) == whole
    assert whole.masked == 8 - len(differing)
    assert whole.right == int((golden.argmax(1) == labels).sum()) - whole.harmful + whole.healed
    assert whole.critical >= whole.harmful + whole.healed


def test_a_tie_goes_to_the_lowest_and_what_is_not_finite_is_no_class() -> None:
    scores = np.array([[1.0, 3.0, 3.0], [0.0, 0.0, 0.0], [math.nan, 1.0, 0.0], [math.inf, 0.0, 0.0]])
    assert classes(scores).tolist() == [1, 0, -1, -1]
    broken = np.full((1, 3), math.nan)
    found = outcome(1, np.array([[5.0, 0.0, 0.0]]), broken, np.array([0]), np.array([0]))
    assert found == Outcome(hits=1, right=0, masked=0, critical=1, harmful=1, healed=0, due=1)
    # broken from the start, and to the bit the same
    assert outcome(1, broken, broken, np.array([0]), np.array([0])) == Outcome(hits=1, masked=1, due=1)
    assert outcome(1, broken, broken[:0], np.array([], dtype=np.int64), np.array([0])) == Outcome(
        hits=1, masked=1, due=1
    )


def test_parts_of_the_images_add_up_and_hits_are_the_maps_own() -> None:
    one = Outcome(hits=7, right=3, masked=2, critical=1, harmful=1, healed=0, due=0)
    other = Outcome(hits=7, right=4, masked=0, critical=2, harmful=1, healed=1, due=1)
    assert Outcome(hits=7) + one + other == Outcome(hits=7, right=7, masked=2, critical=3, harmful=2, healed=1, due=1)
