"""Moments against numpy in float64, and a fingerprint that moves with any pixel or label."""

import numpy as np
import pytest

from spikewright.data.dataset import Split
from spikewright.data.decoded import CHUNK, measure


def make(seed: int = 0, count: int = CHUNK + 7) -> Split:
    random = np.random.default_rng(seed)
    return Split(images=random.integers(0, 256, (count, 2, 3, 3), dtype=np.uint8), labels=random.integers(0, 4, count))


def test_moments_are_those_of_train_alone() -> None:
    train = make()
    found = measure({"train": train, "test": make(1)}, classes=4)
    scaled = train.images.astype(np.float64) / 255
    assert found.mean == pytest.approx(scaled.mean(axis=(0, 2, 3)), abs=1e-12)
    assert found.std == pytest.approx(scaled.std(axis=(0, 2, 3)), abs=1e-12)


def test_a_constant_channel_keeps_its_scale() -> None:
    split = Split(images=np.full((3, 1, 2, 2), 51, np.uint8), labels=np.zeros(3, np.int64))
    found = measure({"train": split}, classes=1)
    assert (found.mean, found.std) == ((0.2,), (1.0,))


def test_the_fingerprint_sees_every_pixel_and_label() -> None:
    def fingerprint(split: Split) -> str:
        return measure({"train": split}, classes=4).fingerprint

    base = fingerprint(make())
    assert fingerprint(make()) == base
    other = make()
    other.images[-1, 1, 2, 2] ^= 1
    assert fingerprint(other) != base
    other = make()
    other.labels[-1] = (other.labels[-1] + 1) % 4
    assert fingerprint(other) != base
