"""Staircases against rounding the function itself: every code of many potentials, on both branches, for any unit."""

from bisect import bisect_right
from math import inf, nextafter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.ops.curves import Curve
from spikewright.ann.source import SourceNode
from spikewright.conversion.staircase import FAR, Staircase, staircase

OPS = {
    "gelu": Curve(function="gelu"),
    "gelu_tanh": Curve(function="gelu_tanh"),
    "silu": Curve(function="silu"),
    "hardswish": Curve(function="hardswish"),
    "mish": Curve(function="mish"),
    "sigmoid": Curve(function="sigmoid"),
    "hardsigmoid": Curve(function="hardsigmoid"),
    "tanh": Curve(function="tanh"),
    "softplus": Curve(function="softplus", parameters=(1.0, 20.0)),
    "elu": Curve(function="elu", parameters=(1.0, 1.0, 1.0)),
    "threshold": Curve(function="threshold", parameters=(0.3, -0.1)),
    "abs": Curve(function="abs"),
}


def _expected(op: Curve, z: Tensor, unit: float, levels: int, slope: Tensor | None) -> Tensor:
    """The codes, from 0 up, by rounding what torch's own function gives."""
    roles = {} if slope is None else {"slope": slope}
    value = interpreter.unrounded(SourceNode(name="a", op=op, inputs=("z",), shape=()), z, roles)
    if op.signed:
        return value.sign() * (value.abs() / unit + 0.5).floor().clamp(max=levels) + levels
    below = int(op.below(torch.tensor(unit, dtype=torch.float64), levels))
    return ((value / unit + 0.5).floor() + below).clamp(0, levels)


def _counted(found: Staircase, z: Tensor, place: tuple[int, ...] = ()) -> list[int]:
    """The codes by counting thresholds, one potential after the other."""
    rising = found.rising[(slice(None), *place)].tolist()
    codes = [bisect_right(rising, each) for each in z.tolist()]
    if found.falling is None:
        return codes
    falling = found.falling[(slice(None), *place)].tolist()
    return [max(code, sum(each <= one for one in falling)) for code, each in zip(codes, z.tolist(), strict=True)]


@pytest.mark.parametrize("name", sorted(OPS))
@settings(max_examples=12, deadline=None)
@given(unit=st.floats(0.003, 1.5), levels=st.sampled_from([1, 3, 7, 15, 63, 255]), seed=st.integers(0, 2**31))
def test_every_code_is_that_of_the_rounded_function(name: str, unit: float, levels: int, seed: int) -> None:
    op = OPS[name]
    near = torch.randn(400, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 3
    z = torch.cat([near, torch.linspace(-40, 40, 161, dtype=torch.float64)])
    found = staircase(op, torch.tensor(unit, dtype=torch.float64), levels)
    assert _counted(found, z) == _expected(op, z, unit, levels, None).long().tolist()


@given(
    unit=st.floats(0.01, 1.0),
    levels=st.sampled_from([1, 3, 15]),
    slopes=st.lists(st.sampled_from([-1.5, -0.25, 0.0, 0.01, 0.5]), min_size=1, max_size=4),
)
@settings(max_examples=30, deadline=None)
def test_slopes_of_both_signs_a_channel_each(unit: float, levels: int, slopes: list[float]) -> None:
    op = Curve(function="prelu", signed=any(each > 0 for each in slopes))
    slope = torch.tensor(slopes, dtype=torch.float64).reshape(-1, 1, 1)
    found = staircase(op, torch.tensor(unit, dtype=torch.float64), levels, slope)
    z = torch.linspace(-30, 30, 601, dtype=torch.float64)
    for channel, own in enumerate(slopes):
        expected = _expected(op, z, unit, levels, torch.tensor(own, dtype=torch.float64))
        assert _counted(found, z, (channel, 0, 0)) == expected.long().tolist()


def test_a_threshold_is_the_least_potential_of_its_code() -> None:
    """One float64 below it the code is another: nothing is left to a tolerance."""
    unit = torch.tensor(0.2, dtype=torch.float64)
    found = staircase(OPS["silu"], unit, 15)
    for number, threshold in enumerate(found.rising.tolist(), 1):
        if abs(threshold) < FAR:
            z = torch.tensor([threshold, nextafter(threshold, -inf)], dtype=torch.float64)
            at, under = (OPS["silu"].evaluate(z, None) / unit + 0.5).floor() + 1
            assert (int(at), int(under)) == (number, number - 1)


def test_as_many_thresholds_as_are_known_of_gelu() -> None:
    """16 for T = 4 with codes from the least value up: 15 steps, one of them on the falling branch as well."""
    found = staircase(OPS["gelu"], torch.tensor(0.2, dtype=torch.float64), 15)
    assert found.falling is not None
    assert int((found.rising.abs() < FAR).sum() + (found.falling.abs() < FAR).sum()) == 16


def test_what_is_never_and_what_is_always_reached() -> None:
    found = staircase(OPS["sigmoid"], torch.tensor(0.4, dtype=torch.float64), 7)
    assert found.rising[3:].tolist() == [FAR] * 4, "1/0.4 rounds to 3"
    found = staircase(Curve(function="softplus", parameters=(1.0, 20.0)), torch.tensor(1e-3, dtype=torch.float64), 3)
    assert bool((found.rising.abs() < FAR).all())
    both = staircase(OPS["hardswish"], torch.tensor(0.25, dtype=torch.float64), 3)  # −3/8 lies on the edge of −2 and −1
    assert both.falling is not None
    assert bool((both.falling[both.rising == -FAR] == FAR).all())
