"""Label checks, and that splits of images offer what every kind of split must."""

import numpy as np
import pytest

from spikewright.data.dataset import Split
from spikewright.data.labelled import require_classes, require_labels
from spikewright.errors import BadData


def test_good_labels_pass() -> None:
    require_labels(np.array([0, 3]), count=2, what="recording")
    require_classes(np.array([0, 3]), classes=4, where="split")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0.0, 1.0]), r"labels are float64 of shape \(2,\): give int64"),
        (np.zeros((2, 1), np.int64), r"of shape \(2, 1\)"),
        (np.array([0]), "2 recordings but 1 labels: give one per recording"),
        (np.array([1, -3]), "label -3 in row 1"),
    ],
)
def test_bad_labels_are_named(labels: np.ndarray, message: str) -> None:
    with pytest.raises(BadData, match=message):
        require_labels(labels, count=2, what="recording")


def test_a_label_without_a_class_is_named() -> None:
    with pytest.raises(BadData, match="split 'x' has label 4, but there are 4 classes: labels go from 0 to 3"):
        require_classes(np.array([4, 0]), classes=4, where="split 'x'")


def test_images_are_inputs_and_rows_of_them_can_be_taken() -> None:
    images = np.arange(6, dtype=np.uint8).reshape(3, 1, 1, 2)
    split = Split(images=images, labels=np.array([2, 0, 1]))
    assert split.inputs is images
    part = split.take(np.array([True, False, True]))
    assert part.images.ravel().tolist() == [0, 1, 4, 5]
    assert part.labels.tolist() == [2, 1]
