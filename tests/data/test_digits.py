"""Digits: the same test split in every run, pixels rescaled to the full range."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from spikewright.data.digits import read_digits, stratified
from spikewright.errors import BadData


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


def test_the_file_and_the_split_are_scikit_learns_image_by_image() -> None:
    flat, target = load_digits(return_X_y=True)
    images = np.round(np.asarray(flat).reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8)
    rows = train_test_split(np.arange(len(target)), test_size=0.25, random_state=0, stratify=target)
    for name, chosen in zip(("train", "test"), rows, strict=True):
        assert np.array_equal(read_digits(None).splits[name].images, images[chosen])
        assert np.array_equal(read_digits(None).splits[name].labels, np.asarray(target)[chosen])


@pytest.mark.parametrize("share", [0.1, 0.25, 0.33])
def test_a_split_is_drawn_as_by_scikit_learn(share: float) -> None:
    for seed in range(10):
        draw = np.random.default_rng(seed)
        labels = np.concatenate([np.arange(5).repeat(4), draw.integers(0, 5, 300)])
        wanted = train_test_split(np.arange(len(labels)), test_size=share, random_state=seed, stratify=labels)
        for found, rows in zip(stratified(labels, share=share, seed=seed), wanted, strict=True):
            assert np.array_equal(found, rows)


def test_without_its_file_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spikewright.data.digits.find_spec", lambda name: None)
    with pytest.raises(BadData, match=r"digits\.csv\.gz: pip install scikit-learn"):
        read_digits(None)
