"""Which folder a name means, and what counts as a change of it."""

import os
from pathlib import Path

import pytest

from spikewright.data.folder import data_root, find_folder, listing
from spikewright.errors import BadData


def test_root_goes_before_the_environment_and_names_before_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "env" / "mnist").mkdir(parents=True)
    (tmp_path / "root" / "mnist").mkdir(parents=True)
    monkeypatch.setenv("SPIKEWRIGHT_DATA", str(tmp_path / "env"))
    assert find_folder("mnist", root=None) == tmp_path / "env" / "mnist"
    assert find_folder("mnist", root=tmp_path / "root") == tmp_path / "root" / "mnist"
    assert find_folder(str(tmp_path / "root"), root=None) == tmp_path / "root"
    assert find_folder("cifar10", root=None) is None


def test_a_relative_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPIKEWRIGHT_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    Path("a/b").mkdir(parents=True)
    assert data_root(None) is None
    assert find_folder("a/b", root=None) == Path("a/b")
    assert find_folder("a/c", root=None) is None  # a hub id looks like this


@pytest.mark.parametrize("name", ["./x", "/x/y", "~/no/such", "a/b/c", "", "../x"])
def test_what_can_only_be_a_path_must_exist(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadData, match=f"data '{name}': there is no such folder: check the path"):
        find_folder(name, root=None)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("")
    with pytest.raises(BadData, match=r"a.parquet': is a file: give the folder that holds it"):
        find_folder(str(tmp_path / "a.parquet"), root=None)


def test_the_listing_changes_with_content_and_time(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    file = tmp_path / "train" / "a"
    file.write_text("12")
    os.utime(file, ns=(1, 1))
    assert listing(tmp_path) == [("train/a", 2, 1)]
    os.utime(file, ns=(1, 2))
    assert listing(tmp_path) == [("train/a", 2, 2)]
