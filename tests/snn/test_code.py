"""Codes: which are legal, and what they hold."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewright.errors import BadPlan, BadSetting
from spikewright.snn.code import Code


def _greedy(level: int, weights: tuple[int, ...]) -> int:
    """What greedy firing leaves of a level."""
    for weight in weights:
        if level >= weight:
            level -= weight
    return level


def _reaches_every_level(weights: tuple[int, ...]) -> bool:
    return all(_greedy(level, weights) == 0 for level in range(sum(weights) + 1))


def test_the_rule_is_the_brute_force_for_all_small_codes() -> None:
    for length in range(1, 6):
        for weights in itertools.product(range(1, 7), repeat=length):
            try:
                Code(weights)
                legal = True
            except BadPlan:
                legal = False
            assert legal == _reaches_every_level(weights), weights


@pytest.mark.parametrize("weights", [(), (0,), (2,), (4, 1), (1, 2, 4), (3, 1, 1, -1), (2, 1, 0)])
def test_illegal_codes_are_refused_in_one_line(weights: tuple[int, ...]) -> None:
    with pytest.raises(BadPlan) as caught:
        Code(weights)
    assert "\n" not in str(caught.value)


@given(st.integers(1, 40))
def test_rate_and_bit_planes(timesteps: int) -> None:
    assert Code.rate(timesteps).step_weights == (1,) * timesteps
    assert Code.rate(timesteps).levels == Code.rate(timesteps).timesteps == timesteps
    assert Code.bit_planes(timesteps).levels == 2**timesteps - 1
    assert Code.bit_planes(timesteps).timesteps == timesteps
    assert Code.bit_planes(timesteps).step_weights[-1] == 1


@given(st.integers(1, 3000))
def test_for_levels_is_legal_exact_and_shortest(levels: int) -> None:
    code = Code.for_levels(levels)
    assert code.levels == levels
    assert code.timesteps == levels.bit_length()  # fewer steps cannot reach so many levels


def test_sixteen_levels() -> None:
    assert Code.for_levels(16).step_weights == (8, 4, 2, 1, 1)
    assert Code.for_levels(1) == Code.rate(1) == Code.bit_planes(1)


@pytest.mark.parametrize("make", [Code.rate, Code.bit_planes, Code.for_levels])
@pytest.mark.parametrize("count", [0, -3])
def test_nothing_is_refused(make, count: int) -> None:
    with pytest.raises(BadSetting):
        make(count)
    with pytest.raises(BadSetting):
        Code.rate(True)


def test_a_warm_up_comes_before_the_window() -> None:
    code = Code.rate(4, warmup=3)
    assert (code.timesteps, code.steps, code.levels) == (4, 7, 4)
    assert code != Code.rate(4)
    assert Code.bit_planes(3).steps == 3
    with pytest.raises(BadPlan, match="at least 0 steps, got -1"):
        Code.rate(2, warmup=-1)
    with pytest.raises(BadPlan, match=r"\(2, 1\): warm-up steps need a rate code"):
        Code((2, 1), warmup=1)
