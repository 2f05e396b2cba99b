"""Splits and data sets refuse what could only go wrong later."""

import numpy as np
import pytest

from spikewright.data import ImageData, Split
from spikewright.data.preparation import InputPreparation
from spikewright.errors import BadData

PREPARATION = InputPreparation(mean=(0.5,), std=(0.5,), size=None, channels=1)


def split(count: int = 4, *, width: int = 5, label: int = 1) -> Split:
    return Split(images=np.zeros((count, 1, 3, width), np.uint8), labels=np.full(count, label, dtype=np.int64))


def data(**parts: Split) -> ImageData:
    splits = {"train": split(), "validation": split(), "test": split()} | parts
    return ImageData(name="d", classes=2, preparation=PREPARATION, fingerprint="f", **splits)


def test_shape_is_read_from_the_images() -> None:
    assert (data().channels, data().size, len(data().train)) == (1, (3, 5), 4)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((0, 1, 2, 2), np.uint8), np.zeros(0, np.int64), "no images"),
        (np.zeros((2, 1, 2, 2), np.float32), np.zeros(2, np.int64), "images are float32"),
        (
            np.zeros((2, 2, 2), np.uint8),
            np.zeros(2, np.int64),
            r"of shape \(2, 2, 2\): give uint8 \[N, C, H, W\]",
        ),
        (np.zeros((2, 1, 2, 2), np.uint8), np.zeros(2, np.int32), "labels are int32"),
        (np.zeros((2, 1, 2, 2), np.uint8), np.zeros(3, np.int64), "2 images but 3 labels"),
        (np.zeros((2, 1, 2, 2), np.uint8), np.array([0, -1]), "label -1 in row 1"),
        (np.zeros((2, 1, 2, 2), np.uint8), np.array([0.0, np.nan]), "labels hold NaN, first in row 1"),
        (np.full((2, 1, 2, 2), np.nan), np.zeros(2, np.int64), "images hold NaN, first in row 0"),
    ],
)
def test_bad_arrays_are_refused(images: np.ndarray, labels: np.ndarray, message: str) -> None:
    with pytest.raises(BadData, match=message) as caught:
        Split(images=images, labels=labels)
    assert "\n" not in str(caught.value)


def test_splits_must_fit_each_other() -> None:
    with pytest.raises(BadData, match=r"data 'd': images of split 'test' are \(1, 3, 6\), of train \(1, 3, 5\)"):
        data(test=split(width=6))
    with pytest.raises(BadData, match="split 'validation' has label 2, but there are 2 classes"):
        data(validation=split(label=2))
