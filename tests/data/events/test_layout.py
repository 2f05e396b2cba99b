"""Every layout is found, in the folder or one below; folders of images are not taken for recordings."""

from pathlib import Path

import pytest

from data.events.writing import write
from spikewright.data.events.by_folder import CIFAR10
from spikewright.data.events.layout import find_takes, has_recordings, unread_recordings
from spikewright.errors import BadData


def by_split(folder: Path) -> None:
    write(folder / "Train" / "0" / "1.bin", b"")
    write(folder / "Test" / "1" / "1.bin", b"")


def by_class(folder: Path) -> None:
    for name in CIFAR10:
        write(folder / name / "1.aedat", b"")


def by_gesture(folder: Path) -> None:
    write(folder / "ibmGestureTrain" / "user01_led" / "0.npy", b"")


def by_trials(folder: Path) -> None:
    write(folder / "trials_to_train.txt", b"a.aedat")
    write(folder / "a.aedat", b"")
    write(folder / "a_labels.csv", b"class,startTime_usec,endTime_usec\n3,1,2")


@pytest.mark.parametrize("below", ["", "archive"])
@pytest.mark.parametrize(("make", "classes"), [(by_split, 2), (by_class, 10), (by_gesture, 11), (by_trials, 11)])
def test_each_layout_is_found(tmp_path: Path, make, classes: int, below: str) -> None:
    make(tmp_path / below)
    assert len(find_takes(tmp_path, where="d").classes) == classes


def test_a_train_folder_of_cifar_classes_is_not_the_whole(tmp_path: Path) -> None:
    by_class(tmp_path / "train")
    assert set(find_takes(tmp_path, where="d").splits) == {"train"}


def test_an_unknown_layout_is_refused_with_the_one_to_give(tmp_path: Path) -> None:
    write(tmp_path / "cat" / "1.bin", b"")
    with pytest.raises(BadData, match=r"d: no recordings laid out in a way that is known: give train/CLASS/RECORDING"):
        find_takes(tmp_path, where="d")


@pytest.mark.parametrize(
    ("names", "reported"),
    [
        (["train/a/1.bin", "readme.txt"], True),
        (["x/1.aedat", "x_labels.csv"], True),
        (["train/a/1.npy"], True),
        (["train/a/1.png", "train/a/1.npy"], False),
        (["train-0.parquet", "model.bin"], False),
        (["train/a/1.jpg"], False),
        ([], False),
    ],
)
def test_recordings_are_told_from_images(names: list[str], reported: bool) -> None:
    assert has_recordings(names) is reported


def test_text_and_archives_are_recordings_by_class_alone() -> None:
    assert has_recordings(["train/left/1.txt", "test/left/2.txt"])
    assert has_recordings(["train/left/1.npz"])
    assert not has_recordings(["notes-of-mine.txt", "table.csv", "mnist.npz"])
    assert not has_recordings(["train/left/README.txt", "train/left/1.png"])


def test_formats_that_are_not_read_are_named() -> None:
    line = unread_recordings(["train/left/1.dat", "train/left/2.h5", "README.txt"])
    assert line.startswith("holds files ending in .dat, .h5, which are not read: convert")
    assert unread_recordings(["train/left/1.dat", "train/left/1.npy"]) == ""
    assert unread_recordings(["train/left/1.mat", "train/left/1.png"]) == ""
    assert unread_recordings(["a.csv"]) == ""
