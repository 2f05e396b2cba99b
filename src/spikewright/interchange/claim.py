"""A folder for one command alone, until it ends or is killed; a second command is refused.

The lock is a file in the folder, which is gone when nobody is at work there.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from spikewright.data.files import made_folder, refusals, require_name
from spikewright.errors import BadSetting

LOCK = ".lock"


@contextlib.contextmanager
def claimed(folder: Path, *, name: str = LOCK) -> Iterator[None]:
    """The folder, made if need be, for this block alone.

    Where the block fails, a folder that was made and is empty goes again.

    Raises:
        BadSetting: another command is at work in it.
        BadFile: it cannot be made or written, or its name is none.
    """
    require_name(folder)
    with contextlib.ExitStack() as stack:
        with refusals(folder):
            stack.enter_context(made_folder(folder))
            stack.enter_context(_locked(folder, name))
        yield


@contextlib.contextmanager
def _locked(folder: Path, name: str) -> Iterator[None]:
    path = folder / name
    while True:
        lock = FileLock(path, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise BadSetting(
                f"another command is at work in {folder}: wait until it has ended, or choose another folder"
            ) from None
        if os.path.lexists(path):
            break
        lock.release()  # the command before took the file away between our opening and locking it
    try:
        yield
    finally:
        try:
            with contextlib.suppress(OSError):  # some systems cannot remove a file that is open
                os.unlink(path)  # noqa: PTH108
        finally:
            lock.release()
