"""The law with reset to zero against plain Python and against snnTorch."""

from fractions import Fraction

import snntorch
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikewright.snn.code import Code
from spikewright.snn.neurons.hard_reset import HardReset
from spikewright.snn.schedules import Drive
from spikewright.snn.schedules.lockstep import Lockstep

EIGHTHS = st.integers(-200, 200)


@given(st.lists(st.tuples(EIGHTHS, st.integers(1, 40)), min_size=1, max_size=12), EIGHTHS)
def test_steps_like_python(steps: list[tuple[int, int]], start: int) -> None:
    """Currents and thresholds in eighths: exact in floating point, ties included."""
    law = HardReset()
    state = law.init(torch.tensor(start / 8, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64))
    potential = Fraction(start, 8)
    for current, threshold in steps:
        state = law.integrate(state, torch.full((1, 1), current / 8, dtype=torch.float64))
        state, spikes = law.fire(state, torch.tensor(threshold / 8, dtype=torch.float64))
        potential += Fraction(current, 8)
        fired = potential >= Fraction(threshold, 8)
        potential = Fraction(0) if fired else potential
        assert bool(spikes) == fired
        assert Fraction(float(state.potential)) == potential


def test_what_lies_above_the_threshold_is_lost() -> None:
    law = HardReset()
    state = law.init(torch.tensor(0.0), torch.zeros(1, 3))
    state, spikes = law.fire(law.integrate(state, torch.tensor([[2.75, 1.0, 0.75]])), torch.tensor(1.0))
    assert spikes.tolist() == [[1, 1, 0]]
    assert state.potential.tolist() == [[0, 0, 0.75]]
    assert not law.conserves
    assert law.rate_only


def test_arguments_are_not_changed() -> None:
    law = HardReset()
    state = law.init(torch.tensor(0.5), torch.zeros(2, 3))
    after = law.integrate(state, torch.ones(2, 3))
    law.fire(after, torch.tensor(1.0))
    assert torch.equal(state.potential, torch.full((2, 3), 0.5))
    assert torch.equal(after.potential, torch.full((2, 3), 1.5))


def test_equals_snntorch() -> None:
    """snnTorch fires above the threshold only; without ties that is the same."""
    generator = torch.Generator().manual_seed(0)
    currents = torch.randn(24, 50, 40, generator=generator) * 0.7 + 0.2
    neuron = snntorch.Leaky(beta=1.0, threshold=1.0, reset_mechanism="zero", reset_delay=False)
    membrane, train = torch.zeros(50, 40), []
    for current in currents:
        spikes, membrane = neuron(current, membrane)
        train.append(spikes)
    drive = Drive(currents, None, torch.tensor(0.0), torch.tensor(1.0))
    ours = Lockstep().run(HardReset(), drive, Code.rate(24))
    assert 0.1 < float(ours.mean()) < 0.9
    assert torch.equal(ours, torch.stack(train))
