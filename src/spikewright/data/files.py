"""Files written whole: beside their place, onto the disk, then renamed. Every writer of the package goes through here.

A reader sees the file before or the file after, and a kill at any moment leaves one of the two. What the file system
refuses is a `BadFile` of one line; what was begun by then is taken away. Files get the mode that the umask gives.
"""

import contextlib
import errno
import json
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spikewright.errors import BadFile

PART = ".part"  # how a file's name ends while it is written
_TEMPORARY = re.compile(r"\.(?P<name>.+)\.(?P<process>\d+)-[0-9a-f]{6}\.part", re.DOTALL)
_SPACE = "make room, or choose another place"
LONGEST_NAME, LONGEST_PATH = 255, 4095  # bytes, of the usual file systems
BESIDE = 32  # bytes that the name of a file has more while it is written
_REASONS = {
    errno.ENOSPC: ("no space left on the disk", _SPACE),
    errno.EDQUOT: ("the disk quota is used up", _SPACE),
    errno.EROFS: ("the file system is read-only", "choose another place"),
    errno.EACCES: ("permission denied", "change the permissions, or choose another place"),
    errno.EPERM: ("not permitted", "change the permissions, or choose another place"),
    errno.EISDIR: ("it is a folder", "give the name of a file"),
}


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole; its folder is made if need be.

    What is there and is no file, such as /dev/stdout, is written to as it is.

    Raises:
        BadFile: it cannot be written; nothing is left of the attempt.
    """
    with refusals(path):
        place = Path(os.path.realpath(path)) if path.is_symlink() else path
        if place.exists() and not place.is_file() and not place.is_dir():
            place.write_bytes(content)
            return
        with made_folder(place.parent):
            _write_beside(place, content)


def write_text(path: Path, text: str) -> None:
    """As `write_bytes`, of text in UTF-8."""
    write_bytes(path, text.encode())


def write_json(path: Path, content: Any) -> None:
    """As `write_bytes`, of JSON."""
    write_bytes(path, json_bytes(content))


def json_bytes(content: Any) -> bytes:
    """JSON as the package's files hold it."""
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()


def create(path: Path, content: bytes) -> None:
    """Write a file that is not there yet, onto the disk; half of it may be left where this fails.

    Raises:
        OSError: as the file system says.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Bring a folder's names onto the disk, where the system can."""
    with contextlib.suppress(OSError):  # some systems cannot open a folder, and the names are right all the same
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def made_folder(path: Path) -> Iterator[None]:
    """A folder, made with those above it if need be; where the block fails, those that were made go again if empty.

    Raises:
        OSError: it cannot be made; none of them is left.
    """
    missing = [each for each in (path, *path.parents) if not os.path.lexists(each)]
    made: list[Path] = []
    try:
        for each in reversed(missing):
            with contextlib.suppress(FileExistsError):  # another command was quicker
                os.mkdir(each)  # noqa: PTH102
                made.append(each)
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
        yield
    except BaseException:
        for each in reversed(made):
            with contextlib.suppress(OSError):  # what holds something stays
                os.rmdir(each)  # noqa: PTH106
        raise


@contextlib.contextmanager
def refusals(path: Path) -> Iterator[None]:
    """Turns what the file system refuses in this block, which writes to `path`, into a `BadFile`."""
    try:
        yield
    except OSError as error:
        raise unwritten(path, error) from None


def unwritten(path: Path, error: OSError) -> BadFile:
    """Why a file or folder cannot be written, and the way out."""
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        file = next((each for each in (path, *path.parents) if os.path.isfile(each)), None)  # noqa: PTH113
        if file is not None:
            return BadFile(f"{path} cannot be written: {file} is a file, not a folder: choose another place")
    reason, way_out = _REASONS.get(error.errno or 0, (error.strerror or str(error), "choose another place"))
    return BadFile(f"{path} cannot be written: {reason}: {way_out}")


def unread(path: Path, error: OSError) -> BadFile:
    """Why a file or folder cannot be read, and the way out."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return BadFile(f"{path} cannot be read: permission denied: change the permissions")
    if error.errno == errno.EISDIR:
        return BadFile(f"{path} cannot be read: it is a folder, where a file should be: remove it")
    return BadFile(f"{path} cannot be read: {error.strerror or error}: see that it is there and can be read")


def require_name(path: Path, *, spare: int = 0) -> None:
    """Refuse a name that file systems cannot hold, or that no JSON file could; its last part grows by `spare` bytes.

    Raises:
        BadFile: a part of more than `LONGEST_NAME` bytes, or bytes that are no UTF-8.
    """
    shown = os.fsencode(path).decode(errors="backslashreplace")
    if shown != str(path):
        raise BadFile(f"{shown} cannot be written: its name holds bytes that are no UTF-8: give another name")
    for part in path.parts:
        most = LONGEST_NAME - (spare if part == path.name else 0)
        if (size := len(os.fsencode(part))) > most:
            raise BadFile(f"{part[:20]}… cannot be written: its name has {size} bytes, and may have {most}: shorten it")


def require_place(path: Path) -> None:
    """Refuse early what `write_bytes` would refuse in the end, as far as that can be seen; nothing is touched.

    Raises:
        BadFile: it is a folder, something above it is a file, its folder cannot be written, or as `require_name` says.
    """
    require_name(path, spare=BESIDE)
    if os.path.isdir(path):  # noqa: PTH112
        raise unwritten(path, IsADirectoryError(errno.EISDIR, ""))
    above = next(each for each in path.absolute().parents if os.path.lexists(each))
    if not os.path.isdir(above):  # noqa: PTH112
        raise unwritten(path, NotADirectoryError(errno.ENOTDIR, ""))
    special = os.path.lexists(path) and not os.path.isfile(path)  # noqa: PTH113
    if not special and not os.access(above, os.W_OK | os.X_OK):
        read_only = hasattr(os, "statvfs") and bool(os.statvfs(above).f_flag & os.ST_RDONLY)
        raise unwritten(path, OSError(errno.EROFS if read_only else errno.EACCES, ""))


def _write_beside(place: Path, content: bytes) -> None:
    if place.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(place))
    sweep(place.parent, place.name)
    # a name of its own: two commands may write the same file, and the later one wins, whole
    temporary = place.with_name(f".{place.name}.{os.getpid()}-{secrets.token_hex(3)}{PART}")
    try:
        create(temporary, content)
        os.replace(temporary, place)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108
        raise
    sync_folder(place.parent)


def sweep(folder: Path, name: str | None = None) -> None:
    """Take away what killed commands left of a file, or of all files of a folder."""
    if os.name != "posix":
        return  # elsewhere there is no asking whether a process lives
    for found in map(_TEMPORARY.fullmatch, os.listdir(folder)):  # noqa: PTH208
        if found is not None and name in (None, found["name"]) and not _lives(int(found["process"])):
            with contextlib.suppress(OSError):
                os.unlink(folder / found.string)  # noqa: PTH108


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
