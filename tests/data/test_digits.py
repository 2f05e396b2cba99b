"""Digits: the same test split in every run, pixels rescaled to the full range."""

import numpy as np
from sklearn.datasets import load_digits

from spikewright.data.digits import read_digits


def test_every_original_is_in_one_split_and_rescaled() -> None:
    splits = read_digits(None).splits
    images = np.concatenate([splits["train"].images, splits["test"].images])
    assert images.shape == (1797, 1, 8, 8)
    assert (images.min(), images.max()) == (0, 255)
    original = load_digits().images  # type: ignore[union-attr]
    wanted = sorted(tuple(image.ravel()) for image in original)
    assert sorted(tuple(np.round(image.ravel() / 255 * 16)) for image in images) == wanted


def test_the_split_is_fixed_and_stratified() -> None:
    first, second = read_digits(None), read_digits(None)
    assert first.fingerprint == second.fingerprint
    assert len(first.splits["test"]) == 450
    counts = np.bincount(first.splits["test"].labels)
    assert counts.min() >= 43
    assert counts.max() <= 46


def test_resizing() -> None:
    assert read_digits((32, 28)).splits["train"].images.shape == (1347, 1, 32, 28)
