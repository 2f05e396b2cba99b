"""The signed law against plain Python."""

from fractions import Fraction

import torch
from hypothesis import given
from hypothesis import strategies as st

from spikewright.snn.neurons.signed import Signed

EIGHTHS = st.integers(-40, 40)


def _simulate(currents: list[Fraction], threshold: Fraction, start: Fraction) -> tuple[list[int], Fraction]:
    potential, emitted, spikes = start, 0, []
    for current in currents:
        potential += current
        if potential >= threshold:
            spike = 1
        elif potential < 0 and emitted > 0:
            spike = -1
        else:
            spike = 0
        potential -= spike * threshold
        emitted += spike
        spikes.append(spike)
    return spikes, potential


def _run(currents: list[float], threshold: float, start: float) -> tuple[list[float], float, float]:
    law = Signed()
    state = law.init(torch.tensor(start, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64))
    train = []
    for current in currents:
        state = law.integrate(state, torch.full((1, 1), current, dtype=torch.float64))
        state, spikes = law.fire(state, torch.tensor(threshold, dtype=torch.float64))
        train.append(float(spikes))
    return train, float(state.potential), float(state.emitted)


@given(st.lists(EIGHTHS, min_size=1, max_size=16), st.integers(1, 24), EIGHTHS)
def test_steps_like_python(currents: list[int], threshold: int, start: int) -> None:
    """Eighths: exact in floating point, so that ties at the threshold and at zero come out as in fractions."""
    spikes, potential = _simulate([Fraction(c, 8) for c in currents], Fraction(threshold, 8), Fraction(start, 8))
    train, left, emitted = _run([c / 8 for c in currents], threshold / 8, start / 8)
    assert train == spikes
    assert Fraction(left) == potential
    assert emitted == sum(spikes)


@given(st.lists(EIGHTHS, min_size=1, max_size=16), st.integers(1, 24))
def test_never_below_zero_and_nothing_is_lost(currents: list[int], threshold: int) -> None:
    train, left, _ = _run([c / 8 for c in currents], threshold / 8, threshold / 16)
    running = 0.0
    for spike in train:
        running += spike
        assert running >= 0
    assert left + running * threshold / 8 == threshold / 16 + sum(currents) / 8


def test_a_spike_too_early_is_taken_back() -> None:
    assert _run([1.0, -0.5, 0.0], 1.0, 0.5)[:2] == ([1, 0, 0], 0.0)  # at zero, not below: kept
    assert _run([1.0, -0.75, 0.0], 1.0, 0.5)[:2] == ([1, -1, 0], 0.75)
    assert _run([1.0, -2.75, 0.0], 1.0, 0.5)[:2] == ([1, -1, 0], -1.25)  # only one was emitted
    assert _run([-2.0, 0.0], 1.0, 0.5)[0] == [0, 0]  # there is none to take back


def test_what_it_tells_of_itself() -> None:
    assert not Signed().conserves
    assert Signed().rate_only


def test_arguments_are_not_changed() -> None:
    law = Signed()
    state = law.init(torch.tensor(0.5), torch.zeros(2, 3))
    after = law.integrate(state, torch.ones(2, 3))
    law.fire(after, torch.tensor(1.0))
    assert torch.equal(state.potential, torch.full((2, 3), 0.5))
    assert torch.equal(after.potential, torch.full((2, 3), 1.5))
    assert not after.emitted.any()
