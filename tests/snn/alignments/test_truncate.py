"""Truncation against the QAC paper's formula in fractions, and what it refuses."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snn.alignments.reference import as_train, expected, truncated
from spikewright.errors import BadPlan
from spikewright.snn.alignments.truncate import Truncate


@given(st.lists(st.integers(-50, 50), min_size=8, max_size=12), st.integers(0, 3))
def test_is_the_papers_formula(values: list[int], power: int) -> None:
    """T_out is a power of two here, so that float64 is exact."""
    timesteps = 2**power
    result = Truncate(timesteps)(as_train(values))
    wanted = expected(values, timesteps, truncated)
    assert result.shape == (timesteps, 2, 2)
    for sample, feature, factor in ((0, 0, 1), (1, 0, -1), (0, 1, 2), (1, 1, -2)):
        assert [Fraction(value) for value in result[:, sample, feature].tolist()] == [factor * v for v in wanted]


def test_what_came_later_is_lost() -> None:
    early, late = Truncate(2)(as_train([1, 1, 0, 0])), Truncate(2)(as_train([0, 0, 1, 1]))
    assert float(early[:, 0, 0].sum()) == 4  # a value of 2, read as if all four steps were like the first two
    assert float(late[:, 0, 0].sum()) == 0


def test_an_even_train_keeps_its_total() -> None:
    train = as_train([3] * 6)
    torch.testing.assert_close(Truncate(4)(train).sum(0), train.sum(0), rtol=1e-14, atol=0)
    assert torch.equal(Truncate(6)(train), train)


@pytest.mark.parametrize("given_steps", [1, 3])
def test_expansion_is_refused(given_steps: int) -> None:
    with pytest.raises(BadPlan, match=rf"cannot make 4 steps of {given_steps}: choose average or replicate"):
        Truncate(4)(as_train([1] * given_steps))


def test_what_it_tells_of_itself() -> None:
    assert not Truncate(3).averages
    assert Truncate(3).copies(4) == 0.75
    with pytest.raises(BadPlan, match="at least 1 timestep, got 0"):
        Truncate(0)
