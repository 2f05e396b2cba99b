"""Takes by split and class folders, and the split of CIFAR10-DVS that never moves."""

from pathlib import Path

import pytest

from data.events.writing import write
from spikewright.data.events.by_folder import CIFAR10, by_class, by_split
from spikewright.data.events.takes import Take
from spikewright.errors import BadData


def names(takes: tuple[Take, ...]) -> list[tuple[str, int]]:
    return [(f"{take.file.parent.name}/{take.file.name}", take.label) for take in takes]


def test_classes_are_numbered_in_order_over_all_splits(tmp_path: Path) -> None:
    for name in ("Train/2/b.bin", "Train/10/a.bin", "Train/10/c.bin", "Test/3/d.bin", "Valid/2/e.bin", "notes/x.bin"):
        write(tmp_path / name, b"")
    takes = by_split(tmp_path)
    assert takes is not None
    assert takes.classes == ("2", "3", "10")
    assert names(takes.splits["train"]) == [("2/b.bin", 0), ("10/a.bin", 2), ("10/c.bin", 2)]
    assert names(takes.splits["test"]) == [("3/d.bin", 1)]
    assert names(takes.splits["valid"]) == [("2/e.bin", 0)]
    assert set(takes.splits) == {"train", "test", "valid"}
    assert all(take.span is None for take in takes.splits["train"])


def test_an_empty_class_is_named(tmp_path: Path) -> None:
    write(tmp_path / "train" / "cat" / "readme.txt", b"")
    with pytest.raises(BadData, match="train/cat: holds no recordings"):
        by_split(tmp_path)


def test_other_folders_are_not_of_this_layout(tmp_path: Path) -> None:
    write(tmp_path / "cat" / "1.bin", b"")
    assert by_split(tmp_path) is None
    assert by_class(tmp_path) is None


def cifar10(folder: Path, *, count: int) -> None:
    for name in CIFAR10:
        for number in range(count):
            write(folder / name / f"cifar10_{name}_{number}.aedat", b"")


def test_cifar10_dvs_gives_a_tenth_of_each_class_to_test(tmp_path: Path) -> None:
    cifar10(tmp_path, count=20)
    takes = by_class(tmp_path)
    assert takes is not None
    train, test = names(takes.splits["train"]), names(takes.splits["test"])
    assert takes.classes == CIFAR10
    assert [[label for _, label in part].count(3) for part in (train, test)] == [18, 2]
    assert len(set(train) | set(test)) == 200
    assert all(CIFAR10[label] in name for name, label in train + test)


def test_the_split_of_cifar10_dvs_is_the_same_everywhere(tmp_path: Path) -> None:
    cifar10(tmp_path, count=10)
    takes = by_class(tmp_path)
    assert takes is not None
    # numbers of the test recordings, class by class: a change here changes what published figures mean
    assert [int(take.file.stem.split("_")[2]) for take in takes.splits["test"]] == [5, 6, 0, 6, 4, 2, 4, 2, 2, 3]
