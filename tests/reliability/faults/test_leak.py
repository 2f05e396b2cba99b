"""Disturbed leaks, against loops over neurons."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reliability.faults.sites import STAGES, neurons_of
from reliability.faults.slow import SlowDraw
from spikewright.errors import BadSetting
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults.leak import Leak
from spikewright.reliability.sites import Neurons, Sites
from spikewright.snn.code import Code
from spikewright.snn.neurons.integrate_fire import IntegrateFire
from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.schedules import Drive
from spikewright.snn.schedules.clocked import Clocked

ONE = torch.tensor(1.0, dtype=torch.float64)


def leaks_of(law: Leaky, settings: Leak, number: int, name: str) -> np.ndarray | None:
    """The leak of every neuron of a stage, read from what is left of a membrane of 1; None: not struck."""
    patch = settings.patch(STAGES, Draw(1, "model", number))
    if name not in patch.stages:
        return None
    stage = next(stage for stage in STAGES.stages if stage.name == name)
    faulty = patch.stages[name].law(law, np.arange(1), ONE)
    none = torch.zeros(1, *stage.shape, dtype=torch.float64)
    return faulty.integrate(faulty.init(ONE, none), none).potential.flatten().numpy()


@given(
    st.sampled_from([0.1, 2.0]),
    st.sampled_from([0.4, 1.0]),
    st.sampled_from([0.0, 0.6, 0.95, 1.0]),
    st.integers(0, 2**40),
)
def test_factors_like_a_list(spread: float, rate: float, leak: float, number: int) -> None:
    every, slow = neurons_of(STAGES), SlowDraw(1, "model", number)
    faulty = [every[index] for index in slow.hits(len(every), rate)]
    drawn = [2 * u - 1 for u in slow.uniforms(len(faulty))]
    expected = {neuron: min(max(leak * (1 + spread * z), 0.0), 1.0) for neuron, z in zip(faulty, drawn, strict=True)}
    for stage in STAGES.stages:
        found = leaks_of(Leaky(leak=leak), Leak(spread=spread, rate=rate, distribution="uniform"), number, stage.name)
        if found is None:
            assert not any(name == stage.name for name, _ in faulty)
            continue
        np.testing.assert_allclose(found, [expected.get((stage.name, k), leak) for k in range(len(found))], rtol=1e-12)


@given(st.sampled_from([0.02, 0.5, 1.0]), st.integers(2, 10), st.floats(0, 1), st.integers(0, 2**40))
def test_flipped_words_like_a_list(ber: float, bits: int, leak: float, number: int) -> None:
    every, slow = neurons_of(STAGES), SlowDraw(1, "model", number)
    top = 2**bits - 1
    expected = dict.fromkeys(every, round(leak * top))
    for index in slow.hits(len(every) * bits, ber):
        expected[every[index // bits]] ^= 1 << index % bits
    for stage in STAGES.stages:
        found = leaks_of(Leaky(leak=leak), Leak(ber=ber, bits=bits), number, stage.name)
        if found is None:
            assert all(word == round(leak * top) for (name, _), word in expected.items() if name == stage.name)
            continue
        words = [expected.get((stage.name, k), round(leak * top)) for k in range(len(found))]
        # a struck leak is within half a step of what its word says, and an untouched one is what it was
        assert all(0 <= each <= 1 for each in found)
        for each, word in zip(found, words, strict=True):
            if word == round(leak * top):
                assert each == leak
            else:
                assert abs(each - word / top) <= 0.5 / top + 1e-12


@pytest.mark.parametrize("reset", ["soft", "hard", "delayed"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_neurons_leak_by_their_own_leaks(reset: str, dtype: torch.dtype) -> None:
    sites = Sites(stages=(Neurons(name="a", shape=(2, 3), timesteps=6, law="leaky"),))
    slow = SlowDraw(0, "m", 2)
    hit = slow.hits(6, 0.5)
    drawn = dict(zip(hit, slow.normals(len(hit)), strict=True))
    assert 0 < len(hit) < 6
    fault = Leak(spread=0.6, rate=0.5).patch(sites, Draw(0, "m", 2)).stages["a"]
    law = Leaky(leak=0.7, reset=reset)  # pyright: ignore[reportArgumentType]
    currents = torch.rand(6, 30, 2, 3, generator=torch.Generator().manual_seed(0)).to(dtype)
    theta = torch.tensor(1.0, dtype=dtype)
    drive = Drive(currents, None, torch.zeros((), dtype=dtype), theta)
    assert fault.drive(drive) is drive
    faulty = fault.law(law, np.arange(30), theta)
    train, golden = (Clocked().run(each, drive, Code.rate(6)) for each in (faulty, law))
    number = currents.numpy().dtype.type
    for image, place in np.ndindex(30, 6):
        leak = number(0.7 if place not in drawn else min(max(0.7 * (1 + 0.6 * drawn[place]), 0.0), 1.0))
        m, owed = number(0), number(0)
        for t in range(6):
            m = number(number(leak * m) + currents[t, image].flatten()[place].numpy())
            m = number(m - owed)
            fired = m >= 1
            assert float(train[t, image].flatten()[place]) == float(fired)
            owed = number(1) if fired and reset == "delayed" else number(0)
            if fired:
                m = {"soft": number(m - 1), "hard": number(0), "delayed": m}[reset]
        if place not in drawn:
            assert torch.equal(train[:, image].flatten(1)[:, place], golden[:, image].flatten(1)[:, place])
    assert not torch.equal(train, golden)


def test_neurons_that_do_not_leak_are_refused() -> None:
    way_out = "stage 'a' have law 'integrate_fire' and no leak to disturb: choose a layer or a network of leaky neurons"
    plain = Sites(stages=(Neurons(name="a", shape=(2,), timesteps=1, law="integrate_fire"),))
    with pytest.raises(BadSetting, match=way_out):
        Leak(ber=0.0).patch(plain, Draw(0, "m", 0))
    unknown = Sites(stages=(Neurons(name="a", shape=(2,), timesteps=1),))
    with pytest.raises(BadSetting, match=way_out):
        Leak(spread=0.1).patch(unknown, Draw(0, "m", 0)).stages["a"].law(IntegrateFire(), np.arange(1), ONE)


@pytest.mark.parametrize(
    ("settings", "words"),
    [({}, "^leak: give one of spread"), ({"ber": 2.0}, "leak: ber is 2"), ({"ber": 0.1, "bits": 40}, "bits is 40")],
)
def test_bad_settings_are_named(settings: dict[str, float], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        Leak(**settings)  # pyright: ignore[reportArgumentType]
