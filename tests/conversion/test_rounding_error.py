"""The quick search against adding up every candidate: the same thresholds to the last bit."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from spikewright.conversion.observe import BINS, Histogram
from spikewright.conversion.rounding_error import RoundingError
from spikewright.conversion.thresholds import least_error_threshold


def _slowly(values: Tensor, counts: Tensor, levels: int, top: Tensor, shares: Tensor) -> Tensor:
    """Every candidate, every bin."""
    errors = []
    for candidate in shares.T:
        threshold = (candidate * top).clamp(min=1e-300).unsqueeze(1)
        rounded = threshold / levels * (values * levels / threshold + 0.5).floor().clamp(0, levels)
        errors.append((counts * (rounded - values).square()).sum(1))
    pick = torch.stack(errors, 1).argmin(1, keepdim=True)
    return shares.gather(1, pick).squeeze(1)


def _threshold_slowly(histogram: Histogram, levels: int, cap: float | None, per_channel: bool) -> Tensor:
    values, counts = histogram.values, histogram.counts
    if not per_channel:
        values, counts = values.reshape(1, -1), counts.reshape(1, -1)
    top = values.amax(1) * (1 + 0.5 / values.shape[1])
    top = top if cap is None else top.clamp(max=cap)
    coarse = torch.linspace(0.01, 1.0, 100, dtype=torch.float64)
    best = _slowly(values, counts, levels, top, coarse.expand(len(top), -1))
    fine = best.unsqueeze(1) + torch.linspace(-0.01, 0.01, 21, dtype=torch.float64)
    best = _slowly(values, counts, levels, top, fine.clamp(0.001, 1.0))
    chosen = torch.where(top > 0, best * top, torch.ones_like(top))
    return chosen if per_channel else chosen[0]


def _histogram(seed: int, channels: int, shape: str, scale: float) -> Histogram:
    generator = torch.Generator().manual_seed(seed)
    place = torch.arange(BINS, dtype=torch.float64) / BINS
    tops = torch.rand(channels, generator=generator).double() * scale
    draws = torch.rand(channels, BINS, generator=generator).double()
    counts = {
        "even": (draws * 20).floor(),
        "falling": (draws * 5000 * (-12 * place).exp()).floor(),
        "sparse": (draws > 0.999).double(),
        "one": (torch.arange(BINS) == BINS - 1).double().expand(channels, -1).clone(),
        "comb": ((torch.arange(BINS) % 128 == 127) * (draws * 9).floor()).double(),
        "silent": torch.zeros(channels, BINS, dtype=torch.float64),
    }[shape]
    tops[-1] *= 1.0 if channels < 3 else 0.0  # a channel that never fired
    counts[tops == 0] = 0
    tops = torch.where(counts.sum(1) > 0, tops, 0.0)
    return Histogram(tops, counts, 10_000)


@pytest.mark.parametrize("per_channel", [False, True])
@given(
    seed=st.integers(0, 10_000),
    channels=st.integers(1, 4),
    shape=st.sampled_from(["even", "falling", "sparse", "one", "comb", "silent"]),
    levels=st.sampled_from([1, 2, 3, 7, 15, 100, 255, 600, 65535]),
    scale=st.sampled_from([1e-30, 1e-3, 1.0, 7.7, 1e20]),
    cap=st.sampled_from([None, 6.0]),
)
def test_to_the_last_bit(
    per_channel: bool, seed: int, channels: int, shape: str, levels: int, scale: float, cap: float | None
) -> None:
    histogram = _histogram(seed, channels, shape, scale)
    found = least_error_threshold(histogram, levels, cap=cap, per_channel=per_channel)
    assert torch.equal(found, _threshold_slowly(histogram, levels, cap, per_channel))


@pytest.mark.parametrize("levels", [15, 4095])
def test_of_a_whole_layer(levels: int) -> None:
    histogram = _histogram(3, 32, "falling", 4.0)
    assert torch.equal(least_error_threshold(histogram, levels), _threshold_slowly(histogram, levels, None, False))


def test_of_equals_the_first_is_taken() -> None:
    """One value, 1: with one level any two thresholds as far to either side of it lose alike."""
    values, counts = torch.tensor([[0.5, 1.0]]).double(), torch.tensor([[0.0, 3.0]]).double()
    shares = torch.tensor([[0.25, 0.375, 0.625]]).double()  # of 2: 0.5, 0.75, 1.25
    error = RoundingError(values, counts, 1)
    assert float(error.least(torch.tensor([2.0]).double(), shares)) == 0.375


def test_few_candidates_are_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = []
    added_up = RoundingError._added_up

    def counted(self: RoundingError, threshold: Tensor) -> Tensor:
        rounds.append(threshold)
        return added_up(self, threshold)

    monkeypatch.setattr(RoundingError, "_added_up", counted)
    least_error_threshold(_histogram(3, 32, "falling", 4.0), 15)
    assert len(rounds) <= 12
