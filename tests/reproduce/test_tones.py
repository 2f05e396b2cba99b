"""Synthetic tones and the pitch that is read out, against plain loops."""

import math
from collections.abc import Iterator
from types import ModuleType

import pytest
import torch
from support.scripts import loaded


@pytest.fixture(scope="module")
def tones() -> Iterator[ModuleType]:
    with loaded("tones") as module:
        yield module


def nine_bins(activations: list[float]) -> float:
    """The published read-out of one frame, bin by bin."""
    peak = max(range(360), key=lambda place: activations[place])
    total = weight = 0.0
    for place in range(max(0, peak - 4), min(360, peak + 5)):
        total += activations[place] * (20 * place + 1997.3794084376191)
        weight += activations[place]
    return total / weight


@pytest.mark.parametrize("peak", [0, 2, 100, 357, 359])
def test_pitch_is_the_weighted_mean_of_nine_bins(tones: ModuleType, peak: int) -> None:
    activations = torch.rand(3, 360, generator=torch.Generator().manual_seed(peak), dtype=torch.float64)
    activations[:, peak] = 1.5
    found = tones.pitch(activations)
    for row, cents in zip(activations.tolist(), found.tolist(), strict=True):
        assert cents == pytest.approx(nine_bins(row), abs=1e-9)


def test_cents_are_above_ten_hertz(tones: ModuleType) -> None:
    assert tones.cents_of(10) == 0
    assert tones.cents_of(440) == pytest.approx(1200 * math.log(44) / math.log(2))


def test_tones_follow_from_their_seed_and_are_normalised(tones: ModuleType) -> None:
    made = tones.tones(7, seed=3)
    assert made.frames.shape == (7, 1024)
    assert made.frames.dtype == torch.float32
    assert torch.equal(made.frames, tones.tones(7, seed=3).frames)
    assert not torch.equal(made.frames, tones.tones(7, seed=4).frames)
    assert made.frames.mean(1).abs().max() < 1e-6
    assert (made.frames.std(1) - 1).abs().max() < 1e-5
    lowest, highest = tones.cents_of(80), tones.cents_of(1000)
    assert ((made.cents >= lowest) & (made.cents <= highest)).all()


def test_a_plain_tone_repeats_at_its_pitch_and_a_noisy_one_does_not_quite(tones: ModuleType) -> None:
    made = tones.tones(30, seed=5)
    wave = made.frames.double()
    # samples moved by whole periods: the phase e^(iωn) of all harmonics comes back, so they solve a least-squares fit
    for row in range(30):
        hertz = 10 * 2 ** (float(made.cents[row]) / 1200)
        angle = 2 * math.pi * hertz / 16_000 * torch.arange(1024, dtype=torch.float64)
        parts = [function(order * angle) for order in range(1, 9) for function in (torch.sin, torch.cos)]
        basis = torch.stack([torch.ones_like(angle), *parts], 1)
        fit = basis @ torch.linalg.lstsq(basis, wave[row].unsqueeze(1), driver="gelsd").solution
        left = float((fit.squeeze(1) - wave[row]).norm() / wave[row].norm())
        if row % 3 == 0:
            assert left < 1e-5
        elif row % 3 == 1:
            assert 0.009 < left < 0.35  # noise of 10 to 40 dB less


def test_a_glide_is_at_its_pitch_in_the_middle(tones: ModuleType) -> None:
    made = tones.tones(30, seed=6)
    place = slice(512 - 100, 512 + 100)
    for row in range(2, 30, 3):
        hertz = 10 * 2 ** (float(made.cents[row]) / 1200)

        def left(factor: float, row: int = row, hertz: float = hertz) -> float:
            angle = 2 * math.pi * hertz * factor / 16_000 * torch.arange(200, dtype=torch.float64)
            parts = [function(order * angle) for order in range(1, 9) for function in (torch.sin, torch.cos)]
            basis = torch.stack([torch.ones_like(angle), *parts], 1)
            wave = made.frames[row, place].double()
            fit = basis @ torch.linalg.lstsq(basis, wave.unsqueeze(1), driver="gelsd").solution
            return float((fit.squeeze(1) - wave).norm() / wave.norm())

        if hertz > 300:  # lower ones have too few periods here to tell
            assert left(1.0) < min(left(2 ** (60 / 1200)), left(2 ** (-60 / 1200)))
