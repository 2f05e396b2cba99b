"""Places that cannot be written to or read from: one line, exit code 2, and nothing is left."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.disk import Disk, watched
from support.trained import run_folder

from app.cli.running import refused, spikewright
from spikewright.data import files

MEMORY = ("memory", "--model", "cnn", "--json")
WRITERS: dict[str, Callable[[Path], tuple[object, ...]]] = {
    "memory --json": lambda place: (*MEMORY, place),
    "compare --json": lambda place: ("compare", "run", "--methods", "exact", "--timesteps", 1, "--json", place),
    "compare --out": lambda place: ("compare", "run", "--methods", "exact", "--timesteps", 1, "--out", place),
    "evaluate --json": lambda place: ("evaluate", "run", "--json", place),
    "verify --json": lambda place: ("verify", "run", "--json", place),
    "bench --json": lambda place: ("bench", "run", "--json", place),
    "inject --json": lambda place: ("inject", "run", "--json", place),
    "inject --page": lambda place: ("inject", "run", "--page", place),
    "inject --record": lambda place: ("inject", "run", "--ber", 0.01, "--maps", 1, "--images", 10, "--record", place),
    "convert --out": lambda place: ("convert", "run", "--out", place),
    "train --out": lambda place: ("train", "--model", "top0", "--data", "digits", "--out", place),
    "demo --out": lambda place: ("demo", "--out", place),
}


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_folder(tmp_path / "run", 5, 5)
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)


def names(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def line_of(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line of a refusal; the demo says first what it is going to show."""
    assert spikewright(monkeypatch, *arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize("writer", WRITERS)
def test_a_place_below_a_file_is_none(
    writer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = names(tmp_path)
    line = line_of(monkeypatch, capsys, *WRITERS[writer](Path("file") / "x"))
    assert "file" in line and ("is a file" in line or "Not a directory" in line), line
    assert names(tmp_path) == before


@pytest.mark.parametrize("writer", [name for name in WRITERS if "--out" not in name])
def test_a_folder_is_no_file(
    writer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = names(tmp_path)
    line = line_of(monkeypatch, capsys, *WRITERS[writer](Path("folder")))
    assert ("folder cannot be written" in line and "folder: give" in line) or "directory" in line, line
    assert names(tmp_path) == before


@pytest.mark.parametrize("writer", WRITERS)
def test_a_read_only_disk(
    writer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = names(tmp_path)
    monkeypatch.setattr(
        os, "access", lambda path, mode, **_: not mode & os.W_OK
    )  # as the system says of such a disk, and not to root
    with watched(Disk(tmp_path, last=0, error=errno.EROFS)):
        line = line_of(monkeypatch, capsys, *WRITERS[writer](Path("new") / "x"))
    assert "new" in line and any(words in line.lower() for words in ("read-only", "permission denied")), line
    assert names(tmp_path) == before


def test_figures_that_find_no_room_are_said_after_they_were_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(files.os, "write", full)
    line = line_of(monkeypatch, capsys, *MEMORY, Path("new") / "x")
    assert line == "spikewright: new/x cannot be written: no space left on the disk: make room, or choose another place"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["source.json", "source.safetensors"])
@pytest.mark.parametrize("verb", ["convert", "compare", "inject"])
def test_files_that_cannot_be_read(
    verb: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run" / name).unlink()
    (tmp_path / "run" / name).mkdir()
    more = ("--out", "new") if verb != "inject" else ("--ber", 0.01)
    line = refused(monkeypatch, capsys, verb, "run", *more)
    assert f"run holds no {name}" in line or "not a run folder" in line, line


def test_files_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def denied(path: Path, *_: object, **__: object) -> str:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    access = os.access
    monkeypatch.setattr(os, "access", lambda path, *mode: not str(path).endswith("tensors") and access(path, *mode))
    line = refused(monkeypatch, capsys, "convert", "run", "--out", "new")
    assert line == "spikewright: run/source.safetensors cannot be read: permission denied: change the permissions"
    monkeypatch.setattr(Path, "read_text", denied)
    line = refused(monkeypatch, capsys, "convert", "run", "--out", "new")
    assert line == "spikewright: run/source.json cannot be read: permission denied: change the permissions"


@pytest.mark.parametrize("verb", ["train", "convert", "compare", "demo", "search"])
@pytest.mark.parametrize("name", ["a" * 256, os.fsdecode(b"\xff")])
def test_a_folder_whose_name_is_none_is_refused_before_the_work(
    verb: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = {"train": (), "convert": (), "compare": ("run",), "demo": (), "search": ("--config", "none.toml")}
    before = sorted(tmp_path.iterdir())
    monkeypatch.chdir(tmp_path)
    assert "cannot be written: its name h" in refused(monkeypatch, capsys, verb, *arguments[verb], "--out", name)
    assert sorted(tmp_path.iterdir()) == before


def test_a_compare_file_that_is_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run" / "compare" / "compare.json").mkdir(parents=True)
    line = refused(monkeypatch, capsys, "compare", "run", "--methods", "exact", "--timesteps", 1)
    assert "compare.json cannot be read: it is a folder, where a file should be: remove it" in line


def test_what_nobody_knew_better_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from spikewright.app.runs import memory

    def fails(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "somewhere/x")

    monkeypatch.setattr(memory, "run", fails)
    line = refused(monkeypatch, capsys, "memory", "--model", "cnn")
    assert line == (
        "spikewright: somewhere/x: permission denied: see that it is there, can be read or written, and that the disk "
        "has room"
    )
