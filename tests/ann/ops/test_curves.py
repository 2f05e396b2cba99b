"""Activations that are no ReLU: what a code says of a value, and what is refused."""

from fractions import Fraction
from math import floor

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikewright.ann.ops.curves import Curve
from spikewright.errors import BadSetting

UNITS = st.integers(1, 80)


@given(UNITS, st.integers(1, 255))
def test_as_many_steps_below_0_as_the_least_value_is_rounded_to(eighths: int, levels: int) -> None:
    unit = Fraction(eighths, 8)
    op = Curve(function="hardswish")  # its least value, −3/8, is a fraction
    expected = min(max(floor(Fraction(1, 2) + Fraction(3, 8) / unit), 0), levels)
    assert int(op.below(torch.tensor(eighths / 8, dtype=torch.float64), levels)) == expected


def test_signed_codes_and_those_of_what_is_never_negative_have_none_below() -> None:
    unit = torch.tensor([0.1, 0.5])
    assert Curve(function="prelu", signed=True).below(unit, 15).tolist() == [0, 0]
    assert Curve(function="sigmoid").below(unit, 15).tolist() == [0, 0]


def test_sizes_count_from_the_least_value_or_are_magnitudes() -> None:
    value = torch.tensor([-0.25, 0.0, 2.0])
    offset, signed = Curve(function="hardswish"), Curve(function="prelu", signed=True)
    assert offset.sizes(value).tolist() == [0.125, 0.375, 2.375]
    assert offset.from_sizes(offset.sizes(value)).tolist() == value.tolist()
    assert signed.sizes(value).tolist() == [0.25, 0.0, 2.0]
    assert (Curve(function="tanh").cap, Curve(function="sigmoid").cap, offset.cap) == (2.0, 1.0, None)


def test_where_it_turns() -> None:
    assert Curve(function="tanh").turn(None) is None
    assert Curve(function="tanh").rises
    turn = Curve(function="prelu", signed=True).turn(torch.tensor([-0.5, 0.0, 0.5]))
    assert turn is not None
    assert turn.tolist() == [0.0, -torch.inf, -torch.inf]
    assert not Curve(function="gelu").rises


def test_a_gate_by_its_own_input_is_one_activation() -> None:
    assert Curve(function="sigmoid").times_its_input == Curve(function="silu")
    assert Curve(function="hardsigmoid").times_its_input == Curve(function="hardswish")
    assert Curve(function="tanh").times_its_input is None
    assert Curve(function="sigmoid", levels=3).times_its_input is None


def test_refusals() -> None:
    with pytest.raises(BadSetting, match="no activation named 'sine': choose one of abs"):
        Curve(function="sine")
    with pytest.raises(BadSetting, match="'softplus' takes 2 parameters, not 0"):
        Curve(function="softplus")
    with pytest.raises(BadSetting, match=r"slip is 0\.5, and gelu is no ReLU"):
        Curve(function="gelu").with_levels(3, 0.5)
    assert Curve(function="gelu").with_levels(3, 0.0).levels == 3
