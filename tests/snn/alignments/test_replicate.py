"""Replication against the QAC paper's formula in fractions."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snn.alignments.reference import as_train, expected, replicated
from spikewright.errors import BadPlan
from spikewright.snn.alignments.replicate import Replicate


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=9), st.integers(0, 4))
def test_is_the_papers_formula(values: list[int], power: int) -> None:
    """T_out is a power of two here, so that float64 is exact."""
    timesteps = 2**power
    result = Replicate(timesteps)(as_train(values))
    wanted = expected(values, timesteps, replicated)
    assert result.shape == (timesteps, 2, 2)
    for sample, feature, factor in ((0, 0, 1), (1, 0, -1), (0, 1, 2), (1, 1, -2)):
        assert [Fraction(value) for value in result[:, sample, feature].tolist()] == [factor * v for v in wanted]


@pytest.mark.parametrize(
    ("given_steps", "timesteps", "index"),
    [
        (4, 8, [0, 0, 1, 1, 2, 2, 3, 3]),  # the paper's own example of an even expansion
        (4, 5, [0, 0, 1, 2, 3]),  # and of an uneven one: the first step counts twice
        (8, 3, [0, 2, 5]),
        (5, 5, [0, 1, 2, 3, 4]),
        (1, 3, [0, 0, 0]),
        (3, 1, [0]),
    ],
)
def test_which_steps_are_taken(given_steps: int, timesteps: int, index: list[int]) -> None:
    train = torch.arange(1.0, given_steps + 1, dtype=torch.float64).reshape(-1, 1, 1)
    result = Replicate(timesteps)(train) * timesteps / given_steps
    torch.testing.assert_close(result.flatten(), torch.tensor(index, dtype=torch.float64) + 1, rtol=1e-15, atol=0)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=6), st.integers(1, 6))
def test_the_total_is_kept_where_steps_divide(values: list[int], factor: int) -> None:
    result = Replicate(len(values) * factor)(as_train(values))
    torch.testing.assert_close(result.sum(0), as_train(values).sum(0), rtol=1e-14, atol=1e-13)


def test_the_total_is_not_kept_where_they_do_not() -> None:
    assert float(Replicate(4)(as_train([4, 0, 0]))[:, 0, 0].sum()) == pytest.approx(6)
    assert float(Replicate(2)(as_train([0, 4, 0, 0]))[:, 0, 0].sum()) == 0


def test_what_it_tells_of_itself() -> None:
    assert not Replicate(3).averages
    assert Replicate(6).copies(4) == 1.5
    assert Replicate(2).copies(4) == 0.5
    with pytest.raises(BadPlan, match="at least 1 timestep, got -1"):
        Replicate(-1)


@given(st.integers(1, 9), st.integers(1, 9))
def test_copies_are_how_often_a_step_is_read_on_average(given_steps: int, timesteps: int) -> None:
    read = [t * given_steps // timesteps for t in range(timesteps)]
    mean = Fraction(sum(read.count(step) for step in range(given_steps)), given_steps)
    assert Replicate(timesteps).copies(given_steps) == float(mean)
