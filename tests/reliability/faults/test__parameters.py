"""Disturbed parameters, against lists drawn from the same stream."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reliability.faults.sites import STAGES, neurons_of
from reliability.faults.slow import SlowDraw
from spikewright.errors import BadSetting
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults._parameters import Distribution, disturbances, require_bits, require_spread_or_ber
from spikewright.reliability.faults.threshold import Threshold
from spikewright.reliability.sites import Neurons, Sites


@given(st.sampled_from([0.0, 0.3, 1.0]), st.sampled_from([0.0, 0.1, 2.0]), st.booleans(), st.integers(0, 2**40))
def test_factors_like_a_list(rate: float, spread: float, gaussian: bool, number: int) -> None:
    every, slow = neurons_of(STAGES), SlowDraw(2, "model", number)
    faulty = [every[index] for index in slow.hits(len(every), rate)]
    drawn = slow.normals(len(faulty)) if gaussian else [2 * u - 1 for u in slow.uniforms(len(faulty))]
    settings = Threshold(spread=spread, rate=rate, distribution="gaussian" if gaussian else "uniform")
    found, hits = disturbances(settings, STAGES, Draw(2, "model", number))
    assert hits == len(faulty)
    factors = [
        (name, int(place), float(factor))
        for name, each in found.items()
        if each.factors is not None
        for place, factor in zip(each.places, each.factors, strict=True)
    ]
    assert [(name, place) for name, place, _ in factors] == faulty
    np.testing.assert_allclose([factor for _, _, factor in factors], [1 + spread * z for z in drawn], rtol=1e-12)


@given(st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 0.05, 1.0]), st.integers(2, 9), st.integers(0, 2**40))
def test_masks_like_a_list(rate: float, ber: float, bits: int, number: int) -> None:
    every, slow = neurons_of(STAGES), SlowDraw(2, "model", number)
    faulty = [every[index] for index in slow.hits(len(every), rate)]
    every_bit = [(neuron, bit) for neuron in faulty for bit in range(bits)]
    expected: dict[tuple[str, int], int] = {}
    flips = slow.hits(len(every_bit), ber)
    for index in flips:
        neuron, bit = every_bit[index]
        expected[neuron] = expected.get(neuron, 0) + 2**bit
    found, hits = disturbances(Threshold(ber=ber, rate=rate, bits=bits), STAGES, Draw(2, "model", number))
    masks = {
        (name, int(place)): int(mask)
        for name, each in found.items()
        if each.masks is not None
        for place, mask in zip(each.places, each.masks, strict=True)
    }
    assert masks == expected
    assert hits == len(flips)


@pytest.mark.parametrize(
    ("distribution", "cdf"), [("gaussian", stats.norm(1, 0.2)), ("uniform", stats.uniform(0.8, 0.4))]
)
def test_factors_have_their_distribution(distribution: Distribution, cdf: stats.rv_continuous) -> None:
    sites = Sites(stages=(Neurons(name="a", shape=(100, 50), timesteps=1),))
    found, _ = disturbances(Threshold(spread=0.2, distribution=distribution), sites, Draw(0, "m", 0))
    assert found["a"].factors is not None
    assert stats.kstest(found["a"].factors, cdf.cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ((None, None, 1.0), "^x: give one of spread"),
        ((0.1, 0.1, 1.0), "give one of spread"),
        ((-0.1, None, 1.0), "spread is -0.1: it must be 0 or more, and finite"),
        ((float("inf"), None, 1.0), "spread is inf"),
        ((float("nan"), None, 1.0), "spread is nan"),
        ((None, 1.1, 1.0), "x: ber is 1.1"),
        ((0.1, None, -1.0), "x: rate is -1.0"),
    ],
)
def test_bad_settings_are_named(settings: tuple[float | None, float | None, float], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        require_spread_or_ber("x", *settings)


@pytest.mark.parametrize("bits", [0, 1, 33])
def test_words_of_an_odd_width_are_refused(bits: int) -> None:
    with pytest.raises(BadSetting, match=rf"^x: bits is {bits}: a word has 2 to 32"):
        require_bits("x", bits)
    require_bits("x", 2)
    require_bits("x", 32)
