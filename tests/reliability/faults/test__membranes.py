"""Laws with disturbed membranes, against loops over neurons and Python integers."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reliability.faults import slow
from reliability.faults.as_text import flipped
from spikewright.reliability import draw_loops as draws
from spikewright.reliability.faults._membranes import DisturbedLaw, Flips, Noise
from spikewright.snn.code import Code
from spikewright.snn.formats.membrane import MembraneFormat
from spikewright.snn.neurons import Law
from spikewright.snn.neurons.hard_reset import HardReset
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.neurons.signed import Signed
from spikewright.snn.schedules import Drive
from spikewright.snn.schedules.corrected import Corrected
from spikewright.snn.schedules.lockstep import Lockstep
from spikewright.snn.schedules.probed import Probed

DOUBLE = torch.float64
KEYS = [slow.word(11, image) for image in range(3)]
ARRAY = np.array(KEYS, dtype=np.uint64)


def test_noise_like_python() -> None:
    places, sizes = np.array([0, 3]), torch.tensor([0.5, 2.0], dtype=DOUBLE)
    potential = torch.rand(3, 5, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    expected = potential.clone()
    for image, place in np.ndindex(3, 2):
        slot = 2 * 5 + int(places[place])  # step 2 of 5 neurons
        expected[image, places[place]] += slow.slot_normal(KEYS[image], slot) * float(sizes[place])
    before = potential.clone()
    torch.testing.assert_close(Noise(ARRAY, places, sizes)(potential, 2), expected, rtol=1e-12, atol=0)
    assert torch.equal(potential, before)


@given(
    st.sampled_from([2, 4, 8]),
    st.booleans(),
    st.sampled_from([0.0, 0.1, 1.0]),
    st.integers(0, 2**32),
    st.integers(0, 9),
)
def test_flips_like_text(bits: int, exact: bool, ber: float, seed: int, at: int) -> None:
    """Steps that are powers of 2, so that nothing rounds; potentials within the words' range and beyond."""
    form = MembraneFormat(bits=bits, scale=float(2 ** (bits - 1) - 1))  # a step is a threshold
    units = [Fraction(1, 4), Fraction(2)]
    places = np.array([1, 2])
    generator = np.random.default_rng(seed)
    if exact:
        values = generator.integers(-(2 ** (bits - 1)) + 1, 2 ** (bits - 1), (3, 4)) * np.array([1, 0.25, 2, 1])
    else:
        values = generator.integers(-(2 ** (bits + 3)), 2 ** (bits + 3), (3, 4)) / 16
    potential = torch.tensor(values, dtype=DOUBLE)
    expected = [[Fraction(value) for value in row] for row in values.tolist()]
    for image, which in np.ndindex(3, 2):
        slot = 4 * at + int(places[which])
        masks = [bit for bit in range(bits) if slow.word(KEYS[image], slot * bits + bit) < ber * 2**64]
        if masks:
            value = expected[image][places[which]]
            expected[image][places[which]] = flipped(value, units[which], bits, masks, exact=exact)
    steps = form.step(torch.tensor([float(unit) for unit in units], dtype=DOUBLE))
    before = potential.clone()
    found = Flips(ARRAY, places, steps, ber, form, exact)(potential, at)
    assert found.tolist() == [[float(value) for value in row] for row in expected]
    assert torch.equal(potential, before)


LAWS: list[Law] = [
    IntegrateFire(),
    HardReset(),
    Signed(),
    Leaky(leak=0.7, reset="delayed"),
    Leaky(leak=0.9, reset="hard", membrane=MembraneFormat(bits=3, scale=2.0)),
]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("remembered", [True, False])
def test_a_disturbance_of_nothing_leaves_a_law_as_it_is(law: Law, remembered: bool) -> None:
    currents = torch.randn(5, 3, 2, 4, generator=torch.Generator().manual_seed(0))
    theta, start = torch.tensor(0.8), torch.tensor(0.2)
    faulty = DisturbedLaw(law, lambda potential, step: potential, remembered)
    one, two = law.init(start, currents[0]), faulty.init(start, currents[0])
    for current in currents:
        one, spikes = law.fire(law.integrate(one, current), theta)
        two, others = faulty.fire(faulty.integrate(two, current), theta)
        assert torch.equal(spikes, others)
        assert torch.equal(one.potential, two.potential)
    assert two.step == len(currents)


@pytest.mark.parametrize("remembered", [True, False])
@pytest.mark.parametrize("law", LAWS)
def test_when_a_law_is_disturbed(law: Law, remembered: bool) -> None:
    """By hand: 2 is added at step 1 alone, before firing or after it; the law itself does the rest."""
    currents = torch.full((3, 1, 2), 0.3, dtype=DOUBLE)
    theta, start = torch.tensor(1.0, dtype=DOUBLE), torch.zeros((), dtype=DOUBLE)
    faulty = DisturbedLaw(law, lambda potential, step: potential + 2.0 * (step == 1), remembered)
    one, two = law.init(start, currents[0]), faulty.init(start, currents[0])
    for step, current in enumerate(currents):
        one = law.integrate(one, current)
        if step == 1 and not remembered:
            one = one._replace(potential=one.potential + 2.0)
        one, spikes = law.fire(one, theta)
        if step == 1 and remembered:
            one = one._replace(potential=one.potential + 2.0)
        two, others = faulty.fire(faulty.integrate(two, current), theta)
        assert torch.equal(spikes, others)
        assert torch.equal(one.potential, two.potential)


@pytest.mark.parametrize("schedule", [Lockstep(), Probed(), Corrected(rounds=2)])
def test_steps_are_counted_from_every_start(schedule: Lockstep | Probed | Corrected) -> None:
    """Bias and current are two integrations of one step; a warm-up that is run again starts at step 0 again."""
    seen: list[int] = []

    def note(potential: torch.Tensor, step: int) -> torch.Tensor:
        seen.append(step)
        assert potential.shape == (2, 6)
        return potential

    warm = 0 if isinstance(schedule, Lockstep) else 2
    code = Code.rate(4, warmup=warm)
    currents = torch.rand(code.steps, 2, 2, 3, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    drive = Drive(
        currents, torch.ones(2, 3, dtype=DOUBLE), torch.tensor(0.5, dtype=DOUBLE), torch.tensor(1.0, dtype=DOUBLE)
    )
    train = schedule.run(DisturbedLaw(IntegrateFire(), note, remembered=False), drive, code)
    assert torch.equal(train, schedule.run(IntegrateFire(), drive, code))
    again = {Lockstep: [4], Probed: [2, 4], Corrected: [2, 2, 2, 4]}[type(schedule)]
    assert seen == [step for length in again for step in range(length)]


def test_nothing_depends_on_the_batch() -> None:
    potential = torch.rand(3, 5, generator=torch.Generator().manual_seed(0))
    form = MembraneFormat(bits=6, scale=2.0)
    for disturb in (
        lambda keys: Noise(keys, np.arange(5), torch.ones(5)),
        lambda keys: Flips(keys, np.arange(5), form.step(torch.ones(5)), 0.3, form, exact=False),
    ):
        whole = disturb(ARRAY)(potential, 7)
        assert not torch.equal(whole, potential)
        order = [2, 0]
        assert torch.equal(disturb(ARRAY[order])(potential[order], 7), whole[order])


def test_flips_hit_their_share() -> None:
    """Every bit of 200 x 50 words: how many flip, and that each bit flips as often."""
    form = MembraneFormat(bits=8, scale=127.0)
    zero, share = torch.zeros(200, 50, dtype=DOUBLE), 0.05
    keys = draws.image_keys(4, np.arange(200))
    found = Flips(keys, np.arange(50), torch.ones(50, dtype=DOUBLE), share, form, exact=True)(zero, 0)
    words = found.to(torch.int64).numpy() % 256
    for bit in range(8):
        count = int((words >> bit & 1).sum())
        assert abs(count - 10_000 * share) < 4 * math.sqrt(10_000 * share * (1 - share))
