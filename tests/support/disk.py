"""A double of the file layer: every change below a folder is counted, and from one of them on it fails, or all is over.

It stands between Python and the operating system, so that what goes round the package's own writers is seen as well.
"""

import builtins
import contextlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


class Killed(BaseException):
    """The process is gone: nothing that it would do to files happens any more."""


class Disk:
    """Counts the changes below `root`.

    Args:
        root: the folder.
        last: changes that still happen; None: all.
        error: what the first change after them raises, and all later ones; None: the process is killed there.
        every: whether `error` refuses every kind of change; else what needs room alone.
    """

    def __init__(self, root: Path, *, last: int | None = None, error: int | None = None, every: bool = True) -> None:
        self.root, self.last, self.error, self.every = os.path.realpath(root), last, error, every
        self.done: list[str] = []
        self.descriptors: set[int] = set()

    def change(self, kind: str, *, room: bool = False) -> None:
        if self.last is not None and len(self.done) >= self.last and (self.every or room):
            self.over()
        self.done.append(kind)

    def over(self) -> None:
        if self.error is None:
            raise Killed
        raise OSError(self.error, os.strerror(self.error))

    def within(self, path: Any, folder: int | None = None) -> bool:
        if isinstance(path, int):
            return path in self.descriptors
        above = Path() if folder is None else Path(f"/proc/self/fd/{folder}").readlink()
        return os.path.realpath(above / os.fsdecode(path)).startswith(self.root)


@contextlib.contextmanager
def watched(disk: Disk) -> Iterator[Disk]:
    """All changes in this block go through the disk."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("mkdir", "rmdir", "unlink", "remove", "rename", "replace"):
            patch.setattr(os, name, _change(disk, name, getattr(os, name)))
        patch.setattr(os, "open", _open(disk, os.open))
        patch.setattr(os, "close", _close(disk, os.close))
        patch.setattr(os, "write", _write(disk, os.write))
        patch.setattr(os, "fsync", _fsync(disk, os.fsync))
        opened = _open_file(disk, io.open)
        patch.setattr(io, "open", opened)
        patch.setattr(builtins, "open", opened)
        yield disk


def _name(path: Any) -> str:
    return Path(os.fsdecode(path)).name


def _change(disk: Disk, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def changed(path: Any, *rest: Any, **more: Any) -> Any:
        if disk.within(path, more.get("dir_fd")):
            disk.change(f"{name} {_name(path)}", room=name == "mkdir")
        return real(path, *rest, **more)

    return changed


def _open(disk: Disk, real: Callable[..., int]) -> Callable[..., int]:
    def opened(path: Any, flags: int, *rest: Any, **more: Any) -> int:
        inside = disk.within(path, more.get("dir_fd"))
        writes = inside and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes:
            disk.change(f"open {_name(path)}")
        descriptor = real(path, flags, *rest, **more)
        if writes:
            disk.descriptors.add(descriptor)
        return descriptor

    return opened


def _close(disk: Disk, real: Callable[[int], None]) -> Callable[[int], None]:
    def closed(descriptor: int) -> None:
        disk.descriptors.discard(descriptor)
        real(descriptor)

    return closed


def _write(disk: Disk, real: Callable[..., int]) -> Callable[..., int]:
    def written(descriptor: int, content: Any) -> int:
        if disk.within(descriptor):
            try:
                disk.change("write", room=True)
            except BaseException:
                real(descriptor, bytes(content)[: len(content) // 2])
                raise
        return real(descriptor, content)

    return written


def _fsync(disk: Disk, real: Callable[[int], None]) -> Callable[[int], None]:
    def synced(descriptor: Any) -> None:
        if disk.within(descriptor):
            disk.change("fsync")
        real(descriptor)

    return synced


def _open_file(disk: Disk, real: Callable[..., Any]) -> Callable[..., Any]:
    def opened(file: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if set(mode) & set("wax+") and not isinstance(file, int) and disk.within(file):
            disk.change(f"open {_name(file)}", room=True)
        return real(file, mode, *rest, **more)

    return opened
