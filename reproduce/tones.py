"""Synthetic tones for a pitch network, and its read-out as a pitch.

A frame is 1,024 samples at 16 kHz, made of a fundamental and its harmonics. Of every three frames one is that alone,
one has noise added, and one glides. Pitches are in cents above 10 Hz. The network has 360 bins of 20 cents; its pitch
is the mean of the nine around the largest, weighted by their activations, as published with CREPE (Kim, Salamon, Li
and Bello, 2018, section 2.2).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

RATE = 16_000  # samples a second
SAMPLES = 1_024
BINS = 360
CENTS_OF_FIRST = 1997.3794084376191
CENTS_A_BIN = 20.0
AROUND = 4  # bins on each side of the largest
HARMONICS = 8
LOWEST, HIGHEST = 80.0, 1_000.0  # Hz
GLIDE = 200.0  # cents a frame, at most, up or down
NOISE = (10.0, 40.0)  # dB that a tone is louder than its noise


@dataclass(frozen=True, slots=True, eq=False)
class Tones:
    """Frames [N, 1024] of mean 0 and deviation 1, and the pitch in the middle of each, in cents [N]."""

    frames: Tensor
    cents: Tensor


def tones(count: int, *, seed: int) -> Tones:
    """So many frames: plain, noisy and gliding in turn."""
    generator = torch.Generator().manual_seed(seed)

    def between(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *shape, generator=generator, dtype=torch.float64)

    kind = torch.arange(count).unsqueeze(1) % 3
    middle = between(cents_of(LOWEST), cents_of(HIGHEST), 1)
    glide = between(-GLIDE, GLIDE, 1) * (kind == 2)
    place = (torch.arange(SAMPLES, dtype=torch.float64) - SAMPLES / 2) / SAMPLES
    hertz = 10 * 2 ** ((middle + glide * place) / 1200)
    phase = 2 * math.pi * hertz.cumsum(1) / RATE
    order = torch.arange(1, HARMONICS + 1, dtype=torch.float64)
    loudness = between(0.3, 1.0, HARMONICS) / order
    # above half the rate a harmonic would fold back to another pitch
    loudness = loudness * (hertz.amax(1, keepdim=True) * order < RATE / 2)
    start = between(0.0, 2 * math.pi, HARMONICS)
    wave = (loudness.unsqueeze(2) * torch.sin(phase.unsqueeze(1) * order[:, None] + start.unsqueeze(2))).sum(1)
    noise = torch.randn(count, SAMPLES, generator=generator, dtype=torch.float64)
    wave = wave + noise * wave.std(1, keepdim=True) * 10 ** (-between(*NOISE, 1) / 20) * (kind == 1)
    wave = wave - wave.mean(1, keepdim=True)
    return Tones((wave / wave.std(1, keepdim=True)).float(), middle.squeeze(1))


def cents_of(hertz: float) -> float:
    """Cents above 10 Hz."""
    return 1200 * math.log2(hertz / 10)


def pitch(activations: Tensor) -> Tensor:
    """The pitch of each frame in cents, [N] in float64, from activations in 0..1, [N, 360]."""
    places = torch.arange(BINS, dtype=torch.float64)
    far = (places - activations.argmax(1, keepdim=True)).abs() > AROUND
    weights = activations.double().masked_fill(far, 0.0)
    return (weights * (CENTS_OF_FIRST + CENTS_A_BIN * places)).sum(1) / weights.sum(1)
