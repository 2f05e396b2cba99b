"""Disturbed thresholds, against loops over neurons."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reliability.faults.sites import STAGES, neurons_of
from reliability.faults.slow import SlowDraw
from spikewright.errors import BadSetting
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults.threshold import LEAST, Threshold
from spikewright.reliability.sites import Neurons, Sites
from spikewright.snn.code import Code
from spikewright.snn.formats.membrane import MembraneFormat
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.schedules import Drive
from spikewright.snn.schedules.clocked import Clocked
from spikewright.snn.schedules.two_phase import TwoPhase


def drive_of(threshold: torch.Tensor, currents: torch.Tensor) -> Drive:
    return Drive(currents, None, torch.zeros((), dtype=currents.dtype), threshold)


def test_every_flip_of_a_small_word() -> None:
    """3 bits: the threshold is 4 of 7; each of the 8 words stands for a quarter of itself, and 0 for the least."""
    neurons = 4000
    sites = Sites(stages=(Neurons(name="a", shape=(neurons,), timesteps=1),))
    slow = SlowDraw(0, "m", 0)
    masks = [0] * neurons
    for bit in slow.hits(3 * neurons, 0.5):
        masks[bit // 3] ^= 1 << bit % 3
    expected = [float(Fraction(max(4 ^ mask, 1), 4)) for mask in masks]
    fault = Threshold(ber=0.5, bits=3).patch(sites, Draw(0, "m", 0)).stages["a"]
    drive = drive_of(torch.tensor(1.0), torch.zeros(1, 2, neurons))
    assert fault.drive(drive).threshold.tolist() == expected
    assert set(expected) == {0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75}


@given(st.sampled_from([0.05, 0.5, 3.0]), st.sampled_from([0.4, 1.0]), st.integers(0, 2**40))
def test_factors_stay_positive_and_touch_only_the_struck(spread: float, rate: float, number: int) -> None:
    every, slow = neurons_of(STAGES), SlowDraw(4, "model", number)
    faulty = [every[index] for index in slow.hits(len(every), rate)]
    factors = dict(zip(faulty, [max(1 + spread * z, LEAST) for z in slow.normals(len(faulty))], strict=True))
    patch = Threshold(spread=spread, rate=rate).patch(STAGES, Draw(4, "model", number))
    for stage in STAGES.stages:
        if stage.name not in patch.stages:
            assert not any(name == stage.name for name, _ in faulty)
            continue
        for own in (torch.tensor(1.5), torch.rand(stage.shape[0], *(1,) * (len(stage.shape) - 1)) + 0.5):
            drive = drive_of(own.double(), torch.zeros(1, 2, *stage.shape).double())
            found = patch.stages[stage.name].drive(drive)
            expected = own.double().expand(stage.shape).flatten().tolist()
            expected = [each * factors.get((stage.name, flat), 1.0) for flat, each in enumerate(expected)]
            np.testing.assert_allclose(found.threshold.flatten(), expected, rtol=1e-12)
            assert bool((found.threshold > 0).all())
            assert found._replace(threshold=drive.threshold) is not drive
            assert found.currents is drive.currents


def test_neurons_fire_by_their_own_thresholds() -> None:
    """Bit planes after the window, and a leaky network's steps, neuron by neuron."""
    sites = Sites(stages=(Neurons(name="a", shape=(2, 4), timesteps=3),))
    fault = Threshold(spread=0.4).patch(sites, Draw(0, "m", 3)).stages["a"]
    currents = torch.rand(3, 5, 2, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3
    images = np.arange(5)
    for law, schedule, code in (
        (IntegrateFire(), TwoPhase(), Code.bit_planes(3)),
        (Leaky(leak=0.8), Clocked(), Code.rate(3)),
    ):
        drive = drive_of(torch.tensor(0.9, dtype=torch.float64), currents)
        other = fault.drive(drive)
        train = schedule.run(fault.law(law, images, drive.threshold), other, code)
        assert fault.law(law, images, drive.threshold) is law
        for image, row, column in np.ndindex(5, 2, 4):
            theta, u = float(other.threshold[row, column]), 0.0
            current = currents[:, image, row, column].tolist()
            if isinstance(schedule, TwoPhase):
                u, current = sum(current), [0.0] * 3
            for t in range(3):
                u = (u if isinstance(law, IntegrateFire) else 0.8 * u) + current[t]
                due = code.step_weights[t] * theta
                assert float(train[t, image, row, column]) == float(u >= due)
                u -= due if u >= due else 0.0
        assert not torch.equal(train, schedule.run(law, drive, code))


@pytest.mark.parametrize("reset", ["soft", "hard", "delayed"])
def test_k_bit_membranes_keep_their_scale(reset: str) -> None:
    """What is remembered is stored in units of the fault-free threshold."""
    sites = Sites(stages=(Neurons(name="a", shape=(6,), timesteps=5),))
    fault = Threshold(spread=0.5).patch(sites, Draw(0, "m", 1)).stages["a"]
    law = Leaky(leak=0.9, reset=reset, membrane=MembraneFormat(bits=4, scale=1.5))  # pyright: ignore[reportArgumentType]
    currents = torch.rand(5, 3, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 0.1
    drive = drive_of(torch.tensor(0.5, dtype=torch.float64), currents)
    other, faulty = fault.drive(drive), fault.law(law, np.arange(3), drive.threshold)
    train = Clocked().run(faulty, other, Code.rate(5))
    for image, place in np.ndindex(3, 6):
        theta, q, owed = float(other.threshold[place]), 0.0, 0.0
        for t in range(5):
            m = 0.9 * q + float(currents[t, image, place]) - owed
            fired = m >= theta
            assert float(train[t, image, place]) == float(fired)
            owed = theta if fired and reset == "delayed" else 0.0
            if fired:
                m = {"soft": m - theta, "hard": 0.0, "delayed": m}[reset]
            q = np.floor(min(max(m / 0.75, -1.0), 1.0) * 7 + 0.5) * 0.75 / 7


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "^threshold: give one of spread"),
        ({"spread": 0.1, "ber": 0.1}, "give one of spread"),
        ({"ber": 0.1, "bits": 1}, "bits is 1"),
        ({"spread": 0.1, "rate": 2.0}, "threshold: rate is 2"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, float], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        Threshold(**settings)  # pyright: ignore[reportArgumentType]
