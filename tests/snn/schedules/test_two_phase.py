"""Two-phase firing against exact fractions, and its closed form."""

from fractions import Fraction

import torch
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import codes

from spikewright.snn.code import Code
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.schedules import Drive
from spikewright.snn.schedules.two_phase import TwoPhase, collapse
from spikewright.snn.trains import decode

EIGHTHS = st.integers(-400, 800)


@given(codes(), st.lists(EIGHTHS, min_size=1, max_size=5), EIGHTHS, st.integers(1, 24))
def test_code_is_the_clipped_floor(code: Code, currents: list[int], bias: int, threshold: int) -> None:
    """Eighths are exact in float64, so ties must come out as in fractions."""
    drive = Drive(
        torch.tensor(currents, dtype=torch.float64).reshape(-1, 1, 1) / 8,
        torch.tensor([bias / 8], dtype=torch.float64),
        torch.tensor(threshold / 16, dtype=torch.float64),
        torch.tensor(threshold / 8, dtype=torch.float64),
    )
    train = TwoPhase().run(IntegrateFire(), drive, code)
    u = (Fraction(sum(currents) + bias, 8) + Fraction(threshold, 16)) / Fraction(threshold, 8)
    expected = min(max(u.__floor__(), 0), code.levels)
    assert train.shape == (code.timesteps, 1, 1)
    assert float(decode(train, code)) == expected


@given(codes(steps=6))
def test_closed_form_equals_firing_around_every_boundary(code: Code) -> None:
    boundaries = torch.arange(-1, code.levels + 2, dtype=torch.float64)
    up, down = (torch.nextafter(boundaries, torch.full_like(boundaries, sign * 1e9)) for sign in (1, -1))
    u = torch.cat([boundaries, up, down, boundaries + 0.5]).reshape(1, -1)
    zero, one = torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64)
    train = TwoPhase().run(IntegrateFire(), Drive(u.unsqueeze(0), None, zero, one), code)
    assert torch.equal(collapse(u.clone(), None, code), decode(train, code))


def test_bias_counts_once_however_long_the_window() -> None:
    currents = torch.zeros(5, 1, 1)
    drive = Drive(currents, torch.tensor([3.0]), torch.tensor(0.5), torch.tensor(1.0))
    assert float(decode(TwoPhase().run(IntegrateFire(), drive, Code.bit_planes(3)), Code.bit_planes(3))) == 3


def test_it_waits() -> None:
    assert TwoPhase().waits
