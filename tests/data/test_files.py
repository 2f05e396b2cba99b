"""Files are whole or as they were, whatever the file system does, and what it refuses is said in one line."""

import errno
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from spikewright.data import files
from spikewright.data.files import (
    made_folder,
    require_name,
    require_place,
    sweep,
    unread,
    unwritten,
    write_bytes,
    write_json,
    write_text,
)
from spikewright.errors import BadFile


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def failing(number: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_what_is_written_is_there_with_the_mode_of_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_json(tmp_path / "a" / "b" / "figures.json", {"a": [1, 0.5]})
    finally:
        os.umask(before)
    path = tmp_path / "a" / "b" / "figures.json"
    assert json.loads(path.read_text()) == {"a": [1, 0.5]}
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    write_text(path, "näher\n")
    assert path.read_bytes() == "näher\n".encode()
    assert names(tmp_path) == ["a", "b", "figures.json"]


@pytest.mark.parametrize("operation", ["write", "fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_what_fails_on_the_way_leaves_the_old_file_alone(
    operation: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text(tmp_path / "x", "old")
    monkeypatch.setattr(os, operation, failing(number))
    for path in (tmp_path / "x", tmp_path / "new" / "deep" / "x"):
        with pytest.raises(BadFile, match="x cannot be written: ") as caught:
            write_text(path, "new")
        assert "\n" not in str(caught.value)
    assert names(tmp_path) == ["x"]
    assert (tmp_path / "x").read_text() == "old"


def test_half_written_pieces_are_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, bytes(content)[:3]))
    write_bytes(tmp_path / "x", bytes(range(100)))
    assert (tmp_path / "x").read_bytes() == bytes(range(100))


def test_it_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *given, name=name, real=real: (seen.append(name), real(*given))[1])
    write_text(tmp_path / "x", "text")
    assert seen == ["fsync", "replace", "fsync"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("folder", "folder cannot be written: it is a folder: give the name of a file"),
        ("file/x", "file/x cannot be written: .*/file is a file, not a folder: choose another place"),
        ("file/a/b/x", "file is a file, not a folder"),
    ],
)
def test_places_that_are_none(path: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for refused in (lambda: write_text(tmp_path / path, "text"), lambda: require_place(tmp_path / path)):
        with pytest.raises(BadFile, match=words):
            refused()
    assert names(tmp_path) == ["file", "folder"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "no space left on the disk: make room, or choose another place"),
        (errno.EROFS, "the file system is read-only: choose another place"),
        (errno.EACCES, "permission denied: change the permissions, or choose another place"),
        (errno.ENAMETOOLONG, "File name too long: choose another place"),
    ],
)
def test_reasons(number: int, words: str, tmp_path: Path) -> None:
    error = OSError(number, os.strerror(number))
    assert str(unwritten(tmp_path / "x", error)) == f"{tmp_path / 'x'} cannot be written: {words}"


def test_reasons_of_reading(tmp_path: Path) -> None:
    for number, words in ((errno.EACCES, "permission denied"), (errno.EISDIR, "it is a folder"), (errno.EIO, "error")):
        assert words in str(unread(tmp_path, OSError(number, os.strerror(number))))


def test_a_place_that_cannot_be_written_is_seen_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_place(tmp_path / "a" / "b")
    require_place(Path("/dev/null"))
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anywhere
    with pytest.raises(BadFile, match="permission denied"):
        require_place(tmp_path / "a" / "b")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a" * 256, "aaaaaaaaaaaaaaaaaaaa… cannot be written: its name has 256 bytes, and may have 255: shorten it"),
        ("é" * 128, "its name has 256 bytes"),
        ("a" * 300 + "/run", "its name has 300 bytes"),
        (os.fsdecode(b"bad\xffname"), r"bad\\xffname cannot be written: its name holds bytes that are no UTF-8"),
    ],
)
def test_names_that_are_none_are_refused(name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=words):
        require_name(tmp_path / name)
    with pytest.raises(BadFile, match=words.replace("may have 255", "may have 223")):
        require_place(tmp_path / name)
    assert names(tmp_path) == []


def test_the_longest_names_can_be_written(tmp_path: Path) -> None:
    require_name(tmp_path / ("é" * 127))
    path = tmp_path / ("a" * 223)
    require_place(path)
    write_text(path, "x")
    assert path.read_text() == "x"
    with pytest.raises(BadFile, match="its name has 224 bytes, and may have 223"):
        require_place(tmp_path / ("a" * 224))


def test_what_is_no_file_is_written_to_as_it_is(tmp_path: Path) -> None:
    write_text(Path(os.devnull), "text")
    assert not Path(os.devnull).is_file()
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "new"


def test_folders_that_were_made_go_where_nothing_came_into_them(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(KeyError), made_folder(tmp_path / "there" / "a" / "b"):
        raise KeyError
    assert names(tmp_path) == ["there"]
    with pytest.raises(KeyError), made_folder(tmp_path / "there" / "a" / "b"):
        (tmp_path / "there" / "a" / "kept").touch()
        raise KeyError
    assert names(tmp_path) == ["a", "kept", "there"]


@pytest.mark.skipif(os.name != "posix", reason="where processes cannot be asked for, nothing is swept")
def test_what_a_killed_command_left_goes_and_what_a_living_one_writes_stays(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead, other = f".x.{ended.pid}-00aa11.part", f".y.{ended.pid}-00aa11.part"
    alive = f".x.{os.getpid()}-00aa11.part"
    for name in (dead, other, alive, "x.part", ".x.y-00aa11.part"):
        (tmp_path / name).touch()
    write_text(tmp_path / "x", "text")
    assert names(tmp_path) == sorted([other, alive, "x.part", ".x.y-00aa11.part", "x"])
    sweep(tmp_path)
    assert names(tmp_path) == sorted([alive, "x.part", ".x.y-00aa11.part", "x"])
    assert files.PART == ".part"
