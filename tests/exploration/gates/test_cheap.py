"""Gate logic: in whatever order the gates are asked, the same candidates get through."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from spikewright.exploration.figures.fault_free import Baseline, Golden
from spikewright.exploration.gates.cheap import Gate, cheap
from spikewright.exploration.request.settings import GateSettings

RIGHT = st.integers(0, 1000)
JOULES = st.integers(0, 200)


def golden(right: int, joules: int, dead: int) -> Golden:
    return Golden(
        accuracy=right / 1000, energy_joules=joules * 1e-9, weight_bytes=1, membrane_bytes_peak=1, latency_steps=1,
        timesteps_mean=1.0, spikes_per_neuron=0.0, dead_stages=tuple(map(str, range(dead))), images=1000,
    )  # fmt: skip


@given(
    right=RIGHT, right_ann=st.integers(1, 1000), joules=JOULES, joules_ann=st.integers(1, 200), dead=st.integers(0, 2),
    margin=st.integers(0, 99), share=st.sampled_from([1, 2, 4]),
)  # fmt: skip
def test_gates_are_decided_as_by_whole_numbers(
    right: int, right_ann: int, joules: int, joules_ann: int, dead: int, margin: int, share: int
) -> None:
    gates = GateSettings(accuracy_margin=margin, energy_share=1 / share)
    found = cheap(
        golden(right, joules, dead), Baseline(bits=8, accuracy=right_ann / 1000, energy_joules=joules_ann * 1e-9), gates
    )
    accurate = right >= right_ann - 10 * margin  # of 1,000 images
    frugal = share * joules < joules_ann
    boundary = share * joules == joules_ann  # joules are no whole numbers: rounding may put this either way
    wanted = Gate.ALIVE if dead else Gate.ACCURACY if not accurate else Gate.ENERGY if not frugal else None
    if not (boundary and not dead and accurate):
        assert found.stopped_by is wanted
    # a gate's own answer does not depend on the others, so that their order does not matter to who passes
    passes = [found.alive >= 0, found.accuracy >= -1e-12, found.energy > 0]
    for order in itertools.permutations(passes):
        assert all(order) == (found.stopped_by is None)


def test_equal_accuracy_passes_and_equal_energy_does_not() -> None:
    found = cheap(golden(900, 1, 0), Baseline(bits=8, accuracy=0.9, energy_joules=1e-9), GateSettings())
    assert (found.accuracy, found.energy) == (0, 0)
    assert found.stopped_by is Gate.ENERGY


def test_a_dead_network_stops_at_the_first_gate_however_frugal() -> None:
    found = cheap(
        golden(1000, 0, 1), Baseline(bits=8, accuracy=0.1, energy_joules=1.0), GateSettings(accuracy_margin=99)
    )
    assert found.stopped_by is Gate.ALIVE
