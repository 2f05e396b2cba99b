"""Classes that cannot be learned are refused by their names; those that are not tested are named."""

import numpy as np
import pytest

from spikewright.data.classes import missing_classes, require_classes_in_train, require_several
from spikewright.errors import BadData

NAMES = ("cat", "dog", "emu")


def labels(**splits: list[int]) -> dict[str, np.ndarray]:
    return {name: np.array(found, dtype=np.int64) for name, found in splits.items()}


def test_two_classes_are_needed() -> None:
    require_several(NAMES, where="d")
    with pytest.raises(BadData, match="d: holds one class only, 'cat': add a folder for each class, as train/CLASS/"):
        require_several(("cat",), where="d")
    with pytest.raises(BadData, match="d: holds no class"):
        require_several((), where="d")


def test_a_class_that_train_lacks_is_refused() -> None:
    require_classes_in_train(labels(train=[0, 1], test=[1]), names=NAMES, where="d")
    with pytest.raises(BadData, match="d: split 'train' has nothing of class 'emu', which split 'test' has"):
        require_classes_in_train(labels(train=[0, 1], test=[1, 2]), names=NAMES, where="d")
    with pytest.raises(BadData, match="nothing of classes '0', '1', '2', '3', '4' and 2 more"):
        many = tuple(map(str, range(8)))
        require_classes_in_train(labels(train=[7], test=list(range(8))), names=many, where="d")


def test_classes_that_are_not_tested_are_named() -> None:
    assert missing_classes(labels(train=[0, 1, 2], validation=[0, 1, 2], test=[1]), names=NAMES) == (
        "split 'test' has nothing of classes 'cat', 'emu': its accuracy says nothing about that",
    )
    assert missing_classes(labels(train=[0, 1], test=[1, 0]), names=NAMES) == ()
