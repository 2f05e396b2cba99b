"""The validation cut: disjoint, complete, stratified, and decided by the seed."""

import numpy as np
import pytest

from spikewright.data.cut import cut_validation, share_of_each_class, three_splits
from spikewright.data.dataset import Split
from spikewright.errors import BadData, BadSetting


def make(labels: list[int]) -> Split:
    """Each image holds its own row number, so that rows can be followed."""
    count = len(labels)
    images = np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1)
    return Split(images=images, labels=np.array(labels, dtype=np.int64))


def rows(split: Split) -> list[int]:
    return split.images.ravel().tolist()


def test_every_row_lands_on_one_side_with_its_label_and_in_order() -> None:
    train = make([row % 3 for row in range(90)])
    saved, cut = cut_validation(train, share=0.2, seed=1)
    assert sorted(rows(saved) + rows(cut)) == list(range(90))
    assert rows(saved) == sorted(rows(saved))
    assert saved.labels.tolist() == [row % 3 for row in rows(saved)]


def test_every_class_gives_the_same_share() -> None:
    _, cut = cut_validation(make([0] * 100 + [1] * 20 + [2] * 10), share=0.1, seed=0)
    assert np.bincount(cut.labels).tolist() == [10, 2, 1]


def test_the_seed_alone_decides() -> None:
    train = make([0, 1] * 50)
    assert rows(cut_validation(train, share=0.1, seed=5)[1]) == rows(cut_validation(train, share=0.1, seed=5)[1])
    assert rows(cut_validation(train, share=0.1, seed=5)[1]) != rows(cut_validation(train, share=0.1, seed=6)[1])


def test_classes_too_small_for_the_share_still_leave_one_row() -> None:
    assert len(cut_validation(make([0, 1, 2]), share=0.1, seed=0)[1]) == 1


def test_impossible_cuts_are_refused() -> None:
    for share in (0.0, 1.0, -0.1, float("nan")):
        with pytest.raises(BadSetting, match="must be above 0 and below 1"):
            cut_validation(make([0, 1]), share=share, seed=0)
    with pytest.raises(BadSetting, match="data seed is -1"):
        cut_validation(make([0, 1]), share=0.5, seed=-1)
    with pytest.raises(BadData, match="1 training samples are too few to cut 10% for validation"):
        cut_validation(make([0]), share=0.1, seed=0)


def test_a_validation_split_that_is_there_is_used() -> None:
    splits = {"train": make([0, 1]), "val": make([1]), "test": make([0])}
    train, validation, test = three_splits(splits, where="d", share=0.5, seed=0)
    assert (train, validation, test) == (splits["train"], splits["val"], splits["test"])


def test_without_one_it_is_cut_from_train() -> None:
    whole = make([0, 1] * 10)
    train, validation, test = three_splits({"train": whole, "test": make([0])}, where="d", share=0.2, seed=3)
    saved, cut = cut_validation(whole, share=0.2, seed=3)
    assert (rows(train), rows(validation), rows(test)) == (rows(saved), rows(cut), [0])


@pytest.mark.parametrize(("found", "missing"), [("train", "test"), ("test", "train")])
def test_a_missing_split_is_named(found: str, missing: str) -> None:
    with pytest.raises(BadData, match=f"d: there is no {missing} split, only {found}"):
        three_splits({found: make([0])}, where="d", share=0.1, seed=0)


def test_the_chosen_share_is_a_mask_over_the_labels() -> None:
    labels = np.repeat([0, 1, 2], [50, 30, 4]).astype(np.int64)
    chosen = share_of_each_class(labels, share=0.1, seed=0)
    assert [int(chosen[labels == label].sum()) for label in range(3)] == [5, 3, 0]
    assert np.array_equal(chosen, share_of_each_class(labels, share=0.1, seed=0))
