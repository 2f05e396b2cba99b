"""The least-squares threshold against a brute-force search on the raw samples."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikewright.conversion.observe import BINS, Histogram
from spikewright.conversion.thresholds import least_error_threshold


def _histogram(values: torch.Tensor) -> Histogram:
    channels = values.T
    top = channels.amax(1).clamp(min=0).double()
    counts = torch.zeros(len(top), BINS, dtype=torch.float64)
    for channel, value in channels.nonzero().tolist():
        part = float(channels[channel, value]) / float(top[channel])
        counts[channel, max(0, int(np.ceil(part * BINS)) - 1)] += 1
    return Histogram(top, counts, channels.shape[1])


def _error(samples: np.ndarray, threshold: float, levels: int) -> float:
    rounded = threshold / levels * np.clip(np.floor(samples / threshold * levels + 0.5), 0, levels)
    return float(((rounded - samples) ** 2).sum())


def _samples(kind: int, scale: float, channels: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(kind)
    raw = torch.randn(2000, channels, generator=generator, dtype=torch.float64)
    shaped = (raw, raw.abs() ** 3, raw.exp(), raw.abs().round(), raw - 1)[kind]
    return shaped.clamp(min=0) * scale


@given(st.integers(0, 4), st.sampled_from([1, 2, 3, 7, 15, 63]), st.floats(0.001, 1000))
def test_as_good_as_brute_force(kind: int, levels: int, scale: float) -> None:
    values = _samples(kind, scale)
    found = float(least_error_threshold(_histogram(values), levels))
    samples = values.numpy().ravel()
    best = min(_error(samples, share * samples.max(), levels) for share in np.linspace(0.004, 1, 500))
    # A histogram moves each sample by up to half a bin
    half_bin = samples.max() / 4096
    allowed = (np.sqrt(best * 1.02) + half_bin * np.sqrt(len(samples))) ** 2
    assert 0 < found <= samples.max() * 1.001
    assert _error(samples, found, levels) <= allowed


@pytest.mark.parametrize("levels", [1, 3])
def test_the_largest_value_itself_is_found_to_a_tenth_of_a_bin(levels: int) -> None:
    found = float(least_error_threshold(_histogram(torch.full((50, 1), 3.0)), levels))
    assert found == pytest.approx(3.0, rel=0.1 / BINS)


def test_per_channel_is_each_channel_alone() -> None:
    values = torch.cat([_samples(0, 1.0), _samples(1, 5.0), _samples(2, 0.1)], 1)
    together = least_error_threshold(_histogram(values), 7, per_channel=True)
    alone = [least_error_threshold(_histogram(values[:, [index]]), 7) for index in range(3)]
    torch.testing.assert_close(together, torch.stack(alone))


@pytest.mark.parametrize("per_channel", [False, True])
def test_the_cap_is_kept(per_channel: bool) -> None:
    histogram = _histogram(_samples(1, 5.0).clamp(max=6))
    assert float(least_error_threshold(histogram, 255, cap=6.0, per_channel=per_channel)) <= 6
    assert float(least_error_threshold(histogram, 3, cap=0.5, per_channel=per_channel)) <= 0.5


def test_a_silent_layer_gets_a_positive_threshold() -> None:
    histogram = _histogram(torch.zeros(10, 3))
    assert float(least_error_threshold(histogram, 15)) > 0
    assert bool((least_error_threshold(histogram, 15, per_channel=True) > 0).all())
    half = _histogram(torch.tensor([[0.0, 2.0]] * 5))
    assert bool((least_error_threshold(half, 15, per_channel=True) > 0).all())
