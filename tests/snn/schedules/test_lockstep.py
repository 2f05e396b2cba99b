"""Lockstep firing against plain Python, its closed form under a constant current, and what it refuses."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import codes

from spikewright.errors import BadPlan
from spikewright.snn.code import Code
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.schedules import Drive
from spikewright.snn.schedules.lockstep import Lockstep

SIXTEENTHS = st.integers(-100, 200)


@given(codes(steps=4), st.data())
def test_like_python(code: Code, data: st.DataObject) -> None:
    currents = data.draw(st.lists(SIXTEENTHS, min_size=1, max_size=code.timesteps))
    bias = data.draw(SIXTEENTHS)
    drive = Drive(
        torch.tensor(currents, dtype=torch.float64).reshape(-1, 1, 1) / 16,
        torch.tensor([bias * code.timesteps / 16], dtype=torch.float64),
        torch.tensor(0.5, dtype=torch.float64),
        torch.tensor(1.0, dtype=torch.float64),
    )
    potential, expected = Fraction(1, 2), []
    for step, weight in enumerate(code.step_weights):
        potential += Fraction(currents[step] if step < len(currents) else 0, 16) + Fraction(bias, 16)
        expected.append(int(potential >= weight))
        potential -= weight * expected[-1]
    assert Lockstep().run(IntegrateFire(), drive, code).flatten().tolist() == expected


@given(st.integers(1, 12), st.integers(-64, 64), st.integers(0, 15))
def test_a_constant_current_gives_the_clipped_floor(timesteps: int, current: int, start: int) -> None:
    """For a rate code and v0 in [0, unit), in exact arithmetic."""
    drive = Drive(
        torch.full((timesteps, 1, 1), current / 16, dtype=torch.float64),
        None,
        torch.tensor(start / 16, dtype=torch.float64),
        torch.tensor(1.0, dtype=torch.float64),
    )
    count = float(Lockstep().run(IntegrateFire(), drive, Code.rate(timesteps)).sum())
    assert count == min(max((start + timesteps * current) // 16, 0), timesteps)


@given(codes(steps=6), st.integers(1, 5), st.data())
def test_a_window_may_run_in_parts(code: Code, first: int, data: st.DataObject) -> None:
    """The membrane is handed on, and a spike weighs as its place in the whole window says."""
    drawn = data.draw(st.lists(SIXTEENTHS, min_size=code.timesteps, max_size=code.timesteps))
    currents = torch.tensor(drawn, dtype=torch.float64).reshape(-1, 1, 1) / 4
    half, one = torch.tensor(0.5, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64)
    bias = torch.tensor([code.timesteps / 16], dtype=torch.float64)
    drive, law, made = Drive(currents, bias, half, one), IntegrateFire(), []
    state = law.init(half, currents[0])
    for start in range(0, code.timesteps, first):
        part = drive._replace(currents=currents[start : start + first])
        state, train = Lockstep().advance(law, state, part, code, start)
        made.append(train)
    assert torch.equal(torch.cat(made), Lockstep().run(law, drive, code))


def test_a_longer_input_is_refused() -> None:
    drive = Drive(torch.zeros(4, 1, 1), None, torch.tensor(0.5), torch.tensor(1.0))
    with pytest.raises(BadPlan, match="3 steps receives 4"):
        Lockstep().run(IntegrateFire(), drive, Code.rate(3))
    assert not Lockstep().waits
