"""Averaging against the QAC paper's formula in fractions."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snn.alignments.reference import as_train, averaged, expected
from spikewright.errors import BadPlan
from spikewright.snn.alignments.average import Average

VALUES = st.lists(st.integers(-50, 50), min_size=1, max_size=9)


@given(VALUES, st.integers(0, 4))
def test_is_the_papers_formula(values: list[int], power: int) -> None:
    """T_out is a power of two here, so that float64 is exact."""
    timesteps = 2**power
    result = Average(timesteps)(as_train(values))
    wanted = expected(values, timesteps, averaged)
    assert result.shape == (timesteps, 2, 2)
    for sample, feature, factor in ((0, 0, 1), (1, 0, -1), (0, 1, 2), (1, 1, -2)):
        assert [Fraction(value) for value in result[:, sample, feature].tolist()] == [factor * v for v in wanted]


@given(VALUES, st.integers(1, 40))
def test_nothing_of_the_total_is_lost_and_every_step_is_equal(values: list[int], timesteps: int) -> None:
    train = as_train(values)
    result = Average(timesteps)(train)
    torch.testing.assert_close(result.sum(0), train.sum(0), rtol=1e-14, atol=1e-13)
    assert bool((result == result[:1]).all())


def test_what_it_tells_of_itself() -> None:
    assert Average(3).averages
    assert Average(3).copies(7) == 1
    with pytest.raises(BadPlan, match="at least 1 timestep, got 0"):
        Average(0)


def test_the_train_is_not_changed() -> None:
    train = as_train([1, 2, 3])
    given_train = train.clone()
    Average(5)(train)
    assert torch.equal(train, given_train)
