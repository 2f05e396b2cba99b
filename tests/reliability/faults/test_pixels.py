"""Faulty pixels, against loops."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reliability.faults import slow
from reliability.faults.slow import SlowDraw
from spikewright.errors import BadSetting
from spikewright.reliability.draw import Draw
from spikewright.reliability.faults.pixels import Pixels
from spikewright.reliability.sites import Sites

SHAPES = st.sampled_from([(6,), (4, 5), (1, 3, 4), (3, 2, 5), (4, 3, 2, 3)])
THREE = ((-1.0, -2.0, -0.5), (1.0, 2.5, 3.0))  # of three channels


def grid_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[-2:] if len(shape) >= 3 else shape


@given(SHAPES, st.sampled_from(["low", "high"]), st.sampled_from([0.0, 0.3, 1.0]), st.integers(0, 2**40))
def test_stuck_pixels_like_loops(shape: tuple[int, ...], value: str, rate: float, number: int) -> None:
    ranges = THREE if len(shape) >= 3 and shape[-3] == 3 else ((-0.5,), (2.0,))
    sites = Sites(input_shape=shape, input_range=ranges)
    grid = grid_of(shape)
    faulty = SlowDraw(0, "model", number).hits(math.prod(grid), rate)
    patch = Pixels(rate=rate, value=value).patch(sites, Draw(0, "model", number))  # pyright: ignore[reportArgumentType]
    assert patch.hits == len(faulty)
    assert (patch.pixels is not None) == bool(faulty)
    if patch.pixels is None:
        return
    inputs = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))
    expected = inputs.clone()
    levels = ranges[value == "high"]
    for place in np.ndindex(shape):
        pixel = place[-2:] if len(shape) >= 3 else place
        if np.ravel_multi_index(pixel, grid) in faulty:
            level = levels[place[-3]] if len(levels) > 1 else levels[0]
            expected[(slice(None), *place)] = level
    before = inputs.clone()
    assert torch.equal(patch.pixels.pixels(inputs, np.arange(2)), expected)
    assert torch.equal(inputs, before)


@given(SHAPES, st.sampled_from([0.0, 0.1, 2.0]), st.integers(0, 2**40))
def test_noise_like_loops(shape: tuple[int, ...], noise: float, number: int) -> None:
    ranges = THREE if len(shape) >= 3 and shape[-3] == 3 else ((-0.5,), (2.0,))
    key, images = SlowDraw(0, "model", number).key(), np.array([8, 3])
    patch = Pixels(noise=noise).patch(Sites(input_shape=shape, input_range=ranges), Draw(0, "model", number))
    inputs = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = inputs.clone()
    for row, (flat, place) in ((row, each) for row in range(2) for each in enumerate(np.ndindex(shape))):
        channel = place[-3] if len(ranges[0]) > 1 else 0
        size = noise * (ranges[1][channel] - ranges[0][channel])
        expected[(row, *place)] += size * slow.slot_normal(slow.word(key, int(images[row])), flat)
    assert patch.pixels is not None
    assert patch.hits == math.prod(grid_of(shape))
    found = patch.pixels.pixels(inputs, images)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-12)
    assert torch.equal(patch.pixels.pixels(inputs[1:], images[1:]), found[1:])
    assert patch.pixels.pixels(inputs.float(), images).dtype == torch.float32


def test_the_range_is_the_setting_s_or_the_data_s() -> None:
    sites = Sites(input_shape=(2,), input_range=((-1.0,), (3.0,)))
    given = torch.zeros(1, 2)
    for settings, expected in (
        (Pixels(rate=1.0), -1.0),
        (Pixels(rate=1.0, value="high"), 3.0),
        (Pixels(rate=1.0, low=-7.0), -7.0),
        (Pixels(rate=1.0, value="high", high=7.0), 7.0),
    ):
        pixels = settings.patch(sites, Draw(0, "m", 0)).pixels
        assert pixels is not None
        assert pixels.pixels(given, np.arange(1)).tolist() == [[expected] * 2]
    unknown = Sites(input_shape=(2,))
    with pytest.raises(BadSetting, match="the range of the inputs is not known: give low="):
        Pixels(rate=1.0).patch(unknown, Draw(0, "m", 0))
    assert Pixels(rate=1.0, low=0.0, high=1.0).patch(unknown, Draw(0, "m", 0)).hits == 2


def test_without_an_input_there_is_nothing_to_strike() -> None:
    assert Pixels(rate=1.0).patch(Sites(), Draw(0, "m", 0)).pixels is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "give one of rate"),
        ({"rate": 0.1, "noise": 0.1}, "give one of rate"),
        ({"rate": 1.1}, "pixels: rate is 1.1"),
        ({"noise": -0.1}, "noise is -0.1"),
        ({"noise": float("nan")}, "noise is nan"),
        ({"rate": 0.1, "value": "grey"}, "value is 'grey'"),
        ({"rate": 0.1, "low": 1.0, "high": 0.5}, "low must be below high"),
        ({"rate": 0.1, "low": float("inf")}, "low is inf: it must be finite"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, float], words: str) -> None:
    with pytest.raises(BadSetting) as caught:
        Pixels(**settings)  # pyright: ignore[reportArgumentType]
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
