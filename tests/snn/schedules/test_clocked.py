"""Clocked firing against plain Python in fractions: the whole bias at every step, one integration a step."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikewright.errors import BadPlan
from spikewright.snn.code import Code
from spikewright.snn.neurons.hard_reset import HardReset
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.neurons.signed import Signed
from spikewright.snn.schedules import Drive
from spikewright.snn.schedules.clocked import Clocked

SIXTEENTHS = st.integers(-40, 60)


def drive(currents: list[int], bias: int | None, threshold: int) -> Drive:
    return Drive(
        torch.tensor(currents, dtype=torch.float64).reshape(-1, 1, 1) / 16,
        None if bias is None else torch.tensor([bias], dtype=torch.float64) / 16,
        torch.tensor(0.25, dtype=torch.float64),
        torch.tensor(threshold / 16, dtype=torch.float64),
    )


@given(
    st.lists(SIXTEENTHS, min_size=1, max_size=6),
    st.none() | SIXTEENTHS,
    st.integers(4, 40),
    st.sampled_from(["soft", "hard", "delayed"]),
    st.sampled_from([1.0, 0.5, 0.0]),
)
def test_leaky_like_python(currents: list[int], bias: int | None, threshold: int, reset: str, leak: float) -> None:
    """Halves of sixteenths are exact in float64, and ties, of which there are many, must fire."""
    level = Fraction(threshold, 16)
    q, owed, expected = Fraction(1, 4), Fraction(0), []
    for current in currents:
        m = Fraction(leak) * q + Fraction(current, 16) + Fraction(bias or 0, 16) - owed
        fired = m >= level
        expected.append(int(fired))
        owed = level if fired and reset == "delayed" else Fraction(0)
        q = {"soft": m - level * fired, "hard": Fraction(0) if fired else m, "delayed": m}[reset]
    law = Leaky(leak=leak, reset=reset)  # pyright: ignore[reportArgumentType]
    found = Clocked().run(law, drive(currents, bias, threshold), Code.rate(len(currents)))
    assert found.flatten().tolist() == expected


@given(st.lists(SIXTEENTHS, min_size=1, max_size=6), st.integers(4, 40))
def test_the_other_laws_like_python(currents: list[int], threshold: int) -> None:
    level = Fraction(threshold, 16)
    soft, hard, signed = Fraction(1, 4), Fraction(1, 4), Fraction(1, 4)
    trains: dict[str, list[int]] = {"integrate_fire": [], "hard_reset": [], "signed": []}
    for current in currents:
        soft, hard, signed = (u + Fraction(current, 16) for u in (soft, hard, signed))
        trains["integrate_fire"].append(int(soft >= level))
        soft -= level * trains["integrate_fire"][-1]
        trains["hard_reset"].append(int(hard >= level))
        hard = Fraction(0) if hard >= level else hard
        spike = 1 if signed >= level else -1 if signed < 0 and sum(trains["signed"]) > 0 else 0
        trains["signed"].append(spike)
        signed -= level * spike
    for law in (IntegrateFire(), HardReset(), Signed()):
        found = Clocked().run(law, drive(currents, None, threshold), Code.rate(len(currents)))
        assert found.flatten().tolist() == trains[law.kind], law.kind


def test_a_leaky_neuron_that_forgets_nothing_is_the_integrate_and_fire_neuron() -> None:
    currents = torch.randn(9, 4, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    given = Drive(currents, None, torch.tensor(0.0).double(), torch.tensor(0.8).double())
    plain, leaky = (Clocked().run(law, given, Code.rate(9)) for law in (IntegrateFire(), Leaky()))
    assert torch.equal(plain, leaky) and 0 < float(plain.mean()) < 1


def test_it_fires_as_currents_arrive_and_no_longer_than_it_should() -> None:
    clocked = Clocked()
    assert not clocked.waits and not clocked.warms_up and clocked.replayed_steps(Code.rate(4)) == 0
    with pytest.raises(BadPlan, match="3 steps receives 4"):
        clocked.run(Leaky(), drive([1, 2, 3, 4], None, 16), Code.rate(3))


@given(st.lists(SIXTEENTHS, min_size=2, max_size=8), st.none() | SIXTEENTHS, st.integers(1, 4))
def test_a_window_may_run_in_parts(currents: list[int], bias: int | None, first: int) -> None:
    law, whole, code = Leaky(leak=0.5, reset="delayed"), drive(currents, bias, 16), Code.rate(len(currents))
    state, made = law.init(whole.initial, whole.currents[0]), []
    for start in range(0, len(currents), first):
        part = whole._replace(currents=whole.currents[start : start + first])
        state, train = Clocked().advance(law, state, part, code, start)
        made.append(train)
    assert torch.equal(torch.cat(made), Clocked().run(law, whole, code))
