"""The integrate-and-fire law against plain Python."""

from fractions import Fraction

import snntorch
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import codes

from spikewright.snn.code import Code
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.schedules import Drive
from spikewright.snn.schedules.lockstep import Lockstep

EIGHTHS = st.integers(-200, 200)


@given(st.lists(st.tuples(EIGHTHS, st.integers(1, 40)), min_size=1, max_size=12), EIGHTHS)
def test_steps_like_python(steps: list[tuple[int, int]], start: int) -> None:
    """Currents and thresholds in eighths: exact in floating point, ties included."""
    law = IntegrateFire()
    state = law.init(torch.tensor(start / 8, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64))
    potential = Fraction(start, 8)
    for current, threshold in steps:
        state = law.integrate(state, torch.full((1, 1), current / 8, dtype=torch.float64))
        state, spikes = law.fire(state, torch.tensor(threshold / 8, dtype=torch.float64))
        potential += Fraction(current, 8)
        fired = potential >= Fraction(threshold, 8)
        potential -= fired * Fraction(threshold, 8)
        assert bool(spikes) == fired
        assert Fraction(float(state.potential)) == potential


@given(codes(), st.fractions(-20, 60, max_denominator=64))
def test_greedy_firing_is_the_clipped_floor(code: Code, u: Fraction) -> None:
    """In exact arithmetic, for every legal code."""
    rest, emitted = u, 0
    for weight in code.step_weights:
        if rest >= weight:
            rest -= weight
            emitted += weight
    assert emitted == min(max(u.__floor__(), 0), code.levels)


def test_nothing_is_remembered_and_arguments_are_not_changed() -> None:
    law = IntegrateFire()
    like, initial = torch.zeros(2, 3), torch.tensor(0.5)
    state = law.init(initial, like)
    after = law.integrate(state, torch.ones(2, 3))
    law.fire(after, torch.tensor(1.0))
    assert torch.equal(state.potential, torch.full((2, 3), 0.5))
    assert torch.equal(after.potential, torch.full((2, 3), 1.5))
    assert float(initial) == 0.5
    assert not like.any()


def test_state_carries_over_a_cut_in_time() -> None:
    law = IntegrateFire()
    currents = torch.randn(6, 4, 3, generator=torch.Generator().manual_seed(0))

    def run(state, part):
        train = []
        for current in part:
            state, spikes = law.fire(law.integrate(state, current), torch.tensor(0.7))
            train.append(spikes)
        return state, train

    start = law.init(torch.tensor(0.35), currents[0])
    middle, early = run(start, currents[:2])
    end, late = run(middle, currents[2:])
    whole_end, whole = run(start, currents)
    assert torch.equal(torch.stack(early + late), torch.stack(whole))
    assert torch.equal(end.potential, whole_end.potential)


def test_equals_snntorch() -> None:
    """snnTorch fires above the threshold only: there are no ties here.

    And a neuron of its that is still above the threshold after a spike needs twice that for the next one (it takes
    off a delayed reset before it compares): currents are below the threshold here, so that none is.
    """
    generator = torch.Generator().manual_seed(0)
    currents = torch.rand(24, 50, 40, generator=generator, dtype=torch.float64) * 1.6 - 0.6
    neuron = snntorch.Leaky(beta=1.0, threshold=1.0, reset_mechanism="subtract", reset_delay=False).double()
    membrane, train = torch.full((50, 40), 0.5, dtype=torch.float64), []
    for current in currents:
        spikes, membrane = neuron(current, membrane)
        train.append(spikes)
    drive = Drive(currents, None, torch.tensor(0.5).double(), torch.tensor(1.0).double())
    ours = Lockstep().run(IntegrateFire(), drive, Code.rate(24))
    assert 0.1 < float(ours.mean()) < 0.9
    assert torch.equal(ours, torch.stack(train).double())
