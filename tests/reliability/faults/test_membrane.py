"""Disturbed membranes over whole windows, against loops over images, neurons and steps."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reliability.faults import slow
from reliability.faults.as_text import flipped
from reliability.faults.sites import STAGES, neurons_of
from reliability.faults.slow import SlowDraw
from spikewright.errors import BadSetting
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults.membrane import Membrane
from spikewright.reliability.sites import Neurons, Sites
from spikewright.snn.code import Code
from spikewright.snn.formats.membrane import MembraneFormat
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.schedules import Drive
from spikewright.snn.schedules.clocked import Clocked
from spikewright.snn.schedules.lockstep import Lockstep
from spikewright.snn.schedules.two_phase import TwoPhase

DOUBLE = torch.float64
SITES = Sites(stages=(Neurons(name="a", shape=(2, 3), timesteps=4),))
IMAGES = np.array([5, 0, 17])
UNIT = torch.tensor([[[1.0]], [[0.5]]], dtype=DOUBLE).reshape(2, 1)  # a threshold for each channel


def drive_of(initial: float, currents: torch.Tensor) -> Drive:
    return Drive(currents, None, torch.tensor(initial, dtype=DOUBLE), UNIT)


def currents_of(seed: int, steps: int = 4) -> torch.Tensor:
    """In 1/64, so that words are hit exactly and nothing rounds."""
    drawn = torch.randint(-30, 90, (steps, 3, 2, 3), generator=torch.Generator().manual_seed(seed))
    return drawn.to(DOUBLE) / 64


def struck_of(rate: float, number: int) -> tuple[list[int], int]:
    draw = SlowDraw(6, "model", number)
    return draw.hits(6, rate), draw.key()


@given(st.integers(0, 1000), st.sampled_from([0.5, 1.0]), st.booleans())
def test_noise_like_loops(number: int, rate: float, waits: bool) -> None:
    """Lockstep firing and bit planes after the window: one disturbance before each firing."""
    patch = Membrane(spread=0.3, rate=rate).patch(SITES, Draw(6, "model", number))
    faulty, key = struck_of(rate, number)
    assert patch.hits == len(faulty)
    if not faulty:
        assert not patch.stages
        return
    drive = drive_of(0.25, currents_of(number))
    code = Code.bit_planes(4) if waits else Code.rate(4)
    law = patch.stages["a"].law(IntegrateFire(), IMAGES, drive.threshold)
    train = (TwoPhase() if waits else Lockstep()).run(law, drive, code).flatten(2)
    for image, place in np.ndindex(3, 6):
        current = drive.currents[:, image].flatten(1)[:, place].tolist()
        theta, u = float(UNIT[place // 3]), 0.25
        if waits:
            u, current = u + sum(current), [0.0] * 4
        for t in range(4):
            u += current[t]
            if place in faulty:
                u += slow.slot_normal(slow.word(key, int(IMAGES[image])), 6 * t + place) * 0.3 * theta
            due = theta * code.step_weights[t]
            assert place not in faulty or abs(u - due) > 1e-9  # no tie that rounding could decide
            assert float(train[t, image, place]) == float(u >= due)
            u -= due if u >= due else 0.0


@given(st.integers(0, 1000), st.sampled_from([0.05, 0.5]), st.booleans())
def test_flips_like_loops(number: int, ber: float, waits: bool) -> None:
    """Words of 6 bits that reach 31/4 thresholds, a quarter of a threshold apart."""
    settings = Membrane(ber=ber, bits=6, range=7.75)
    patch = settings.patch(SITES, Draw(6, "model", number))
    key = struck_of(1.0, number)[1]
    drive = drive_of(0.25, currents_of(number))
    code = Code.bit_planes(4) if waits else Code.rate(4)
    law = patch.stages["a"].law(IntegrateFire(), IMAGES, drive.threshold)
    train = (TwoPhase() if waits else Lockstep()).run(law, drive, code).flatten(2)
    for image, place in np.ndindex(3, 6):
        current = [Fraction(each) for each in drive.currents[:, image].flatten(1)[:, place].tolist()]
        theta, u = Fraction(float(UNIT[place // 3])), Fraction(1, 4)
        if waits:
            u, current = u + sum(current), [Fraction(0)] * 4
        for t in range(4):
            u += current[t]
            slot = 6 * t + place
            here = slow.word(key, int(IMAGES[image]))
            masks = [bit for bit in range(6) if slow.word(here, slot * 6 + bit) < ber * 2**64]
            u = flipped(u, theta / 4, 6, masks, exact=False)
            due = theta * code.step_weights[t]
            assert float(train[t, image, place]) == float(u >= due)
            u -= due if u >= due else 0


@pytest.mark.parametrize("reset", ["soft", "hard", "delayed"])
def test_k_bit_membranes_flip_as_they_are_stored(reset: str) -> None:
    """Words of the law's own 4 bits, between the steps: they may come to hold −8 quarters, and are read by the next."""
    form = MembraneFormat(bits=4, scale=1.75)
    law = Leaky(leak=0.5, reset=reset, membrane=form)  # pyright: ignore[reportArgumentType]
    patch = Membrane(ber=0.3, bits=9, range=1.0).patch(SITES, Draw(6, "model", 3))
    key, seen = struck_of(1.0, 3)[1], set()
    drive = drive_of(0.0, currents_of(9, 6))
    train = Clocked().run(patch.stages["a"].law(law, IMAGES, drive.threshold), drive, Code.rate(6)).flatten(2)
    for image, place in np.ndindex(3, 6):
        theta, stored, owed = Fraction(float(UNIT[place // 3])), Fraction(0), Fraction(0)
        for t in range(6):
            m = stored / 2 + Fraction(float(drive.currents[t, image].flatten()[place])) - owed
            fired = m >= theta
            assert float(train[t, image, place]) == float(fired)
            owed = theta if fired and reset == "delayed" else Fraction(0)
            if fired:
                m = {"soft": m - theta, "hard": Fraction(0), "delayed": m}[reset]
            level = min(max((m / (theta * Fraction(7, 4))), Fraction(-1)), Fraction(1)) * 7 + Fraction(1, 2)
            here = slow.word(key, int(IMAGES[image]))
            masks = [bit for bit in range(4) if slow.word(here, (6 * t + place) * 4 + bit) < 0.3 * 2**64]
            stored = (level.numerator // level.denominator) * theta / 4
            if masks:
                stored = flipped(stored, theta / 4, 4, masks, exact=True)
            seen.add(stored / theta * 4)
    assert -8 in seen


def test_k_bit_membranes_stay_on_their_grid() -> None:
    """Steps that floating point does not hold: what is remembered is a whole number of them, multiplied once."""
    law = Leaky(leak=0.9, membrane=MembraneFormat(bits=6, scale=1.3))
    theta, currents = torch.tensor(0.7), torch.randn(8, 3, 2, 3, generator=torch.Generator().manual_seed(0))
    faulty = Membrane(ber=0.2).patch(SITES, Draw(6, "model", 3)).stages["a"].law(law, IMAGES, theta)
    state = faulty.init(torch.tensor(0.0), currents[0])
    grid = torch.arange(-32, 32) * law.membrane.step(theta) if law.membrane is not None else torch.empty(0)
    for current in currents:
        state, _ = faulty.fire(faulty.integrate(state, current), theta)
        assert bool(torch.isin(state.potential, grid).all())


def test_only_the_struck_neurons_and_nothing_of_the_batch() -> None:
    patch = Membrane(spread=1.0, rate=0.4).patch(STAGES, Draw(0, "model", 1))
    faulty = SlowDraw(0, "model", 1).hits(len(neurons_of(STAGES)), 0.4)
    chosen = [neurons_of(STAGES)[index] for index in faulty]
    currents = torch.rand(4, 8, 7, generator=torch.Generator().manual_seed(0))
    images = np.array([3, 1, 4, 15, 9, 2, 6, 5])

    def run(rows: list[int], law: IntegrateFire | None = None) -> torch.Tensor:
        drive = Drive(currents[:, rows], None, torch.tensor(0.5), torch.tensor(1.0))
        return Lockstep().run(
            law or patch.stages["fc"].law(IntegrateFire(), images[rows], drive.threshold), drive, Code.rate(4)
        )

    whole, golden = run(list(range(8))), run(list(range(8)), IntegrateFire())
    for place in range(7):
        same = torch.equal(whole[:, :, place], golden[:, :, place])
        assert same or ("fc", place) in chosen
    assert not torch.equal(whole, golden)
    assert torch.equal(run([6, 2, 0]), whole[:, [6, 2, 0]])
    assert {name for name, _ in chosen} == set(patch.stages)


@pytest.mark.parametrize("settings", [{"spread": 0.0}, {"ber": 0.0}, {"spread": 1.0, "rate": 0.0}])
def test_nothing_is_struck_where_nothing_is_disturbed(settings: dict[str, float]) -> None:
    patch = Membrane(**settings).patch(STAGES, Draw(0, "model", 0))  # pyright: ignore[reportArgumentType]
    assert not patch.stages
    assert patch.hits == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "^membrane: give one of spread"),
        ({"ber": 1.5}, "membrane: ber is 1.5"),
        ({"ber": 0.1, "bits": 1}, "membrane bits must be in 2..16, got 1"),
        ({"ber": 0.1, "range": 0.0}, "membrane: range is 0.0: it must be above 0, and finite"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, float], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        Membrane(**settings)  # pyright: ignore[reportArgumentType]
