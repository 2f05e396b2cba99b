"""Corrected lockstep against brute force: every shift that could matter is tried, in fractions.

Currents, biases and initial potentials are sixteenths and the threshold is 1, so sums are exact in float64 and
ties are common. Only the margin, "a little more", is not dyadic; it is far smaller than a sixteenth.
"""

from fractions import Fraction
from itertools import combinations

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from spikewright.errors import BadPlan, BadSetting
from spikewright.snn.code import Code
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.schedules import Drive
from spikewright.snn.schedules.corrected import MARGIN, Corrected, _tolerances
from spikewright.snn.schedules.lockstep import Lockstep
from spikewright.snn.schedules.probed import Probed

SIXTEENTHS = st.integers(-40, 40)
CURRENTS = st.lists(SIXTEENTHS, min_size=1, max_size=6)
HALF_GRID = Fraction(1, 32)


def _fractions(values: list[int]) -> list[Fraction]:
    return [Fraction(value, 16) for value in values]


def _lockstep(currents: list[Fraction], start: Fraction) -> tuple[list[int], Fraction]:
    potential, spikes = start, []
    for current in currents:
        potential += current
        spikes.append(int(potential >= 1))
        potential -= spikes[-1]
    return spikes, potential


def _tolerated(reached: list[Fraction], spikes: int) -> Fraction:
    """D_k: the best choice of k steps, by the least room that it leaves."""
    return max(
        min(reached[step] - (rank + 1) for rank, step in enumerate(chosen))
        for chosen in combinations(range(len(reached)), spikes)
    )


def _reached(currents: list[Fraction], start: Fraction) -> list[Fraction]:
    return [start + sum(currents[: step + 1], Fraction(0)) for step in range(len(currents))]


def _needs_correction(currents: list[Fraction], start: Fraction, own: Fraction) -> int:
    """−1 where a neuron that starts from `start` emits too much for one whose own v0 is `own`, 1 where too little."""
    emitted = sum(_lockstep(currents, start)[0])
    wanted = min(max((own + sum(currents)).__floor__(), 0), len(currents))
    return (wanted > emitted) - (wanted < emitted)


def _smallest_shift(currents: list[Fraction], start: Fraction) -> Fraction:
    """The smallest shift that changes the count in the direction it needs, by trying every one on the grid.

    Counts change only where a running total meets a whole number, so between two points of the grid of
    sixteenths nothing happens: the grid and the points half-way between are all there is to try.
    """
    sign = _needs_correction(currents, start, start)
    count = sum(_lockstep(currents, start)[0])
    shift = Fraction(0)
    while sum(_lockstep(currents, start + sign * shift)[0]) == count:
        shift += HALF_GRID
    return sign * shift


def _corrected(currents: list[Fraction], start: Fraction, rounds: int, margin: Fraction) -> Fraction:
    """v0 after so many rounds, by brute force over all choices of steps."""
    own = start
    for _ in range(rounds):
        sign, count = _needs_correction(currents, start, own), sum(_lockstep(currents, start)[0])
        if sign:
            room = _tolerated(_reached(currents, start), count + (sign > 0))
            start += -room + sign * margin
    return start


def _run(currents: list[int], start: int, *, timesteps: int = 1, rounds: int = 1, bias: int = 0) -> Tensor:
    drive = Drive(
        torch.tensor(currents, dtype=torch.float64).reshape(-1, 1, 1) / 16 * 3,
        torch.tensor([bias * timesteps / 16 * 3], dtype=torch.float64) if bias else None,
        torch.tensor(start / 16 * 3, dtype=torch.float64),
        torch.tensor(3.0, dtype=torch.float64),
    )
    code = Code.rate(timesteps, warmup=len(currents) - timesteps)
    return Corrected(rounds).run(IntegrateFire(), drive, code).flatten()


@given(CURRENTS, SIXTEENTHS)
def test_tolerances_are_the_best_choice_of_steps(currents: list[int], start: int) -> None:
    reached = _reached(_fractions(currents), Fraction(start, 16))
    found = _tolerances(torch.tensor([float(value) for value in reached], dtype=torch.float64).reshape(-1, 1, 1))
    expected = [0, *(_tolerated(reached, spikes) for spikes in range(1, len(reached) + 1))]
    assert [Fraction(value) for value in found.flatten().tolist()] == expected


@given(CURRENTS, SIXTEENTHS)
def test_a_train_has_k_spikes_if_and_only_if_k_steps_reach_their_rank(currents: list[int], start: int) -> None:
    """What `_tolerances` rests on."""
    steps, initial = _fractions(currents), Fraction(start, 16)
    count = sum(_lockstep(steps, initial)[0])
    reached = _reached(steps, initial)
    for spikes in range(1, len(steps) + 1):
        assert (count >= spikes) == (_tolerated(reached, spikes) >= 0)


@given(CURRENTS, st.integers(0, 15))
def test_just_enough_is_the_smallest_shift_there_is(currents: list[int], start: int) -> None:
    steps, initial = _fractions(currents), Fraction(start, 16)
    sign, count = _needs_correction(steps, initial, initial), sum(_lockstep(steps, initial)[0])
    assume(sign)
    smallest = _smallest_shift(steps, initial)
    corrected = _corrected(steps, initial, 1, Fraction(0))
    if sign > 0:
        assert corrected - initial == smallest  # a tie fires: exactly there the count is one more
    else:
        assert corrected - initial == smallest + HALF_GRID  # a tie fires: it takes a little more than this
    assert sum(_lockstep(steps, initial + smallest)[0]) == count + sign


@given(CURRENTS, st.integers(0, 15))
def test_one_round_moves_the_count_by_one(currents: list[int], start: int) -> None:
    """The warm-up in the train is the corrected one; its count differs by exactly what it should."""
    steps, initial = _fractions(currents), Fraction(start, 16)
    expected = sum(_lockstep(steps, initial)[0]) + _needs_correction(steps, initial, initial)
    train = _run([*currents, 0], start)
    assert int(train[: len(currents)].sum()) == expected


@given(CURRENTS, CURRENTS, st.integers(0, 15), st.integers(1, 3))
def test_like_python(probe: list[int], window: list[int], start: int, rounds: int) -> None:
    """Spike by spike: the warm-up once more, and the window, both from the corrected potential."""
    initial = _corrected(_fractions(probe), Fraction(start, 16), rounds, Fraction(MARGIN))
    expected = _lockstep(_fractions(probe), initial)[0] + _lockstep(_fractions(window), initial)[0]
    assert _run(probe + window, start, timesteps=len(window), rounds=rounds).tolist() == expected


@given(CURRENTS, st.integers(0, 15))
def test_enough_rounds_give_the_clipped_floor(currents: list[int], start: int) -> None:
    expected = min(max((start + sum(currents)) // 16, 0), len(currents))
    train = _run([*currents, *currents], start, timesteps=len(currents), rounds=len(currents))
    assert int(train[: len(currents)].sum()) == expected
    assert int(train[len(currents) :].sum()) == expected


@given(CURRENTS, CURRENTS, SIXTEENTHS)
def test_a_bias_is_a_current_of_every_step(probe: list[int], window: list[int], bias: int) -> None:
    raised = [current + bias for current in probe + window]
    together = _run(raised, 8, timesteps=len(window))
    assert torch.equal(_run(probe + window, 8, timesteps=len(window), bias=bias), together)


@given(st.integers(1, 6), st.integers(1, 6), st.lists(SIXTEENTHS, min_size=1, max_size=12))
def test_a_shorter_train_delivers_nothing_later(warmup: int, timesteps: int, currents: list[int]) -> None:
    currents = currents[: warmup + timesteps]
    whole = currents + [0] * (warmup + timesteps - len(currents))
    short = Drive(
        torch.tensor(currents, dtype=torch.float64).reshape(-1, 1, 1) / 16,
        torch.tensor([0.25], dtype=torch.float64),
        torch.tensor(0.5, dtype=torch.float64),
        torch.tensor(1.0, dtype=torch.float64),
    )
    long = short._replace(currents=torch.tensor(whole, dtype=torch.float64).reshape(-1, 1, 1) / 16)
    code = Code.rate(timesteps, warmup=warmup)
    law = IntegrateFire()
    assert torch.equal(Corrected().run(law, short, code), Corrected().run(law, long, code))


def test_what_it_refuses() -> None:
    drive = Drive(torch.zeros(6, 1, 1), None, torch.tensor(0.5), torch.tensor(1.0))
    with pytest.raises(BadPlan, match="5 steps receives 6"):
        Corrected().run(IntegrateFire(), drive, Code.rate(2, warmup=3))
    with pytest.raises(BadPlan, match="needs a code with warm-up steps: choose at least 1"):
        Corrected().run(IntegrateFire(), drive, Code.rate(6))
    with pytest.raises(BadSetting, match="at least 1 round, got 0"):
        Corrected(0)


def test_what_it_tells_of_itself() -> None:
    assert Corrected().warms_up
    assert not Corrected().waits
    assert [Corrected(rounds).replayed_steps(Code.rate(4, warmup=5)) for rounds in (1, 3)] == [0, 10]


def _mismatch(train: Tensor, currents: Tensor) -> float:
    expected = (currents.sum(0) + 0.5).floor().clamp(0, len(currents))
    return float((train[-len(currents) :].sum(0) != expected).double().mean())


def test_the_mismatch_with_the_clipped_floor_falls() -> None:
    """Random currents, N(1/4, 1/2) thresholds a step, T = 4, the warm-up being the window itself."""
    currents = torch.randn(4, 1, 20_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64) / 2 + 0.25
    drive = Drive(currents, None, torch.tensor(0.5).double(), torch.tensor(1.0).double())
    twice = drive._replace(currents=torch.cat([currents, currents]))
    code, law = Code.rate(4, warmup=4), IntegrateFire()
    plain = _mismatch(Lockstep().run(law, drive, Code.rate(4)), currents)
    probed = _mismatch(Probed().run(law, twice, code), currents)
    rounds = [_mismatch(Corrected(count).run(law, twice, code), currents) for count in (1, 2, 3)]
    assert plain == pytest.approx(0.122, abs=0.006)
    assert probed == pytest.approx(0.042, abs=0.006)
    assert 0 < rounds[0] < 0.002
    assert rounds[1:] == [0, 0]
