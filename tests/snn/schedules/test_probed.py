"""Probed lockstep against a plain Python loop, and what it refuses."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikewright.errors import BadPlan
from spikewright.snn.code import Code
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.schedules import Drive
from spikewright.snn.schedules.probed import Probed

SIXTEENTHS = st.integers(-40, 60)


def _simulate(
    currents: list[Fraction], bias: Fraction, start: Fraction, share: Fraction, warmup: int, timesteps: int
) -> list[int]:
    """Warm-up, mask, reset, window; the threshold is 1 and the bias that of one step."""

    def lockstep(steps: list[Fraction]) -> tuple[list[int], Fraction]:
        potential, spikes = start, []
        for current in steps:
            potential += current + bias
            spikes.append(int(potential >= 1))
            potential -= spikes[-1]
        return spikes, potential

    currents = currents + [Fraction(0)] * (warmup + timesteps - len(currents))
    probe, left = lockstep(currents[:warmup])
    window, _ = lockstep(currents[warmup:])
    return probe + [spike if left > share else 0 for spike in window]


@given(st.integers(1, 5), st.integers(1, 5), st.data())
def test_like_python(warmup: int, timesteps: int, data: st.DataObject) -> None:
    """Sixteenths are exact in float64; a share of 1/16 makes ties with the mask's bound common."""
    currents = data.draw(st.lists(SIXTEENTHS, min_size=1, max_size=warmup + timesteps))
    bias, start = data.draw(SIXTEENTHS), data.draw(st.integers(0, 15))
    drive = Drive(
        torch.tensor(currents, dtype=torch.float64).reshape(-1, 1, 1) / 16 * 3,
        torch.tensor([bias * timesteps / 16 * 3], dtype=torch.float64),
        torch.tensor(start / 16 * 3, dtype=torch.float64),
        torch.tensor(3.0, dtype=torch.float64),
    )
    train = Probed(share=1 / 16).run(IntegrateFire(), drive, Code.rate(timesteps, warmup=warmup))
    expected = _simulate(
        [Fraction(c, 16) for c in currents], Fraction(bias, 16), Fraction(start, 16), Fraction(1, 16), warmup, timesteps
    )
    assert train.flatten().tolist() == expected


@pytest.mark.parametrize(
    ("currents", "expected"),
    [
        ([1.0, -1.0, 0.5, 0.9], [1, 0, 0, 0]),  # −½ is left of the probe: what comes in the window does not count
        ([0.875, 0.5, 0.5, 0.875], [1, 0, 1, 0]),  # ⅞ is left; the window starts from ½ again
        ([-0.5, 0.0, 0.5, 0.5], [0, 0, 0, 0]),  # nothing is left
        ([0.5, -0.25, 0.5, 0.5], [1, 0, 0, 0]),
    ],
)
def test_a_neuron_without_potential_after_the_probe_is_silent(currents: list[float], expected: list[int]) -> None:
    drive = Drive(torch.tensor(currents).reshape(-1, 1, 1), None, torch.tensor(0.5), torch.tensor(1.0))
    assert Probed().run(IntegrateFire(), drive, Code.rate(2, warmup=2)).flatten().tolist() == expected


def test_what_it_refuses() -> None:
    drive = Drive(torch.zeros(6, 1, 1), None, torch.tensor(0.5), torch.tensor(1.0))
    with pytest.raises(BadPlan, match="5 steps receives 6"):
        Probed().run(IntegrateFire(), drive, Code.rate(2, warmup=3))
    with pytest.raises(BadPlan, match="needs a code with warm-up steps: choose at least 1"):
        Probed().run(IntegrateFire(), drive, Code.rate(6))


def test_what_it_tells_of_itself() -> None:
    assert Probed().warms_up
    assert not Probed().waits
    assert Probed().replayed_steps(Code.rate(2, warmup=3)) == 0
