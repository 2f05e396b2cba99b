"""Files in the order of the numbers in their names; hidden ones and other files are left out."""

from pathlib import Path

import pytest

from data.events.writing import write
from spikewright.data.events.takes import in_order, numbered, recordings, subfolders
from spikewright.errors import BadData


def test_numbers_in_names_count_as_numbers() -> None:
    names = ["c10_a_2.bin", "c10_a_10.bin", "c9_a_30.bin", "b", "10", "9", "a1"]
    assert sorted(names, key=numbered) == ["9", "10", "a1", "b", "c9_a_30.bin", "c10_a_2.bin", "c10_a_10.bin"]


def test_recordings_and_folders_are_listed_in_order(tmp_path: Path) -> None:
    for name in ("10.bin", "9.bin", ".hidden.bin", "about.txt", "2/1.bin", "11/1.bin", ".git/1.bin"):
        write(tmp_path / name, b"")
    assert [path.name for path in recordings(tmp_path)] == ["9.bin", "10.bin"]
    assert [path.name for path in subfolders(tmp_path)] == ["2", "11"]
    assert len(in_order(tmp_path)) == 7


def test_a_folder_without_recordings_is_named(tmp_path: Path) -> None:
    write(tmp_path / "empty" / "about.txt", b"")
    with pytest.raises(BadData, match=r"empty: holds no recordings: add some, or remove the folder"):
        recordings(tmp_path / "empty")


def test_endings_that_are_not_read_are_named(tmp_path: Path) -> None:
    for name in ("1.dat", "2.RAW", "about.txt"):
        write(tmp_path / "left" / name, b"")
    message = (
        r"left: holds no recordings, only files of \.dat, \.raw; what is read ends in \.aedat, .*\.npz, \.txt: add"
    )
    with pytest.raises(BadData, match=message):
        recordings(tmp_path / "left")
