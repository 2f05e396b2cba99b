"""A run put in place whole: its files are written aside, and from one rename on they all count.

    .writing/   files under way: they mean nothing, and the next command takes them away
    .written/   files that are whole and on the disk: they count, wherever their places are filled already or not;
                `files.json` says which files the run has, so that those of the run before it count no more
Whoever reads asks `where` a file is, and so finds the old run or the new one at any moment of a kill; whoever writes
first finishes what a kill cut short. Knows nothing about what the files hold.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from spikewright.data.files import PART, create, json_bytes, made_folder, refusals, sweep, sync_folder
from spikewright.errors import BadFile
from spikewright.interchange.claim import LOCK, claimed

RUN_FILES = ("source.json", "source.safetensors", "plan.json", "weights.safetensors")
WRITING, WRITTEN, LIST = ".writing", ".written", "files.json"

Content = Callable[[], bytes]
"""Makes what a file holds; called once, so that one of several large files is in memory at a time."""


def where(folder: Path, name: str) -> Path:
    """Where a file of the run is; nothing is there if the run has no such file."""
    listed = _listed(folder)
    if listed is None:
        return folder / name
    aside = folder / WRITTEN / name
    return aside if name not in listed or aside.is_file() else folder / name


def has_file(folder: Path, name: str) -> bool:
    """Whether the run has that file."""
    return os.path.isfile(where(folder, name))  # noqa: PTH113


def present(folder: Path) -> tuple[str, ...]:
    """The files of the run; none: there is no run."""
    return tuple(name for name in RUN_FILES if has_file(folder, name))


def foreign(folder: Path, *known: str) -> list[str]:
    """What is in a folder beside a run, what writing one may leave, and what is `known`."""
    own = {*RUN_FILES, WRITING, WRITTEN, *known}
    if not folder.is_dir():
        return []
    # names that end in .part are what a version before this one left when it was killed
    return sorted(path.name for path in folder.iterdir() if path.name not in own and path.suffix != PART)


def stamp(folder: Path) -> tuple[object, ...]:
    """Changes whenever a file of the run does: with the same before and after, what was read belongs together."""
    found: list[object] = []
    for name in RUN_FILES:
        try:
            status = os.stat(where(folder, name))  # noqa: PTH116
            found.append((name, status.st_ino, status.st_mtime_ns, status.st_size))
        except OSError:
            found.append(None)
    return tuple(found)


def place(
    folder: Path, files: Mapping[str, Content], *, carry: Sequence[str] = (), discard: Sequence[str] = ()
) -> None:
    """Put a run in place of the one that is there.

    Args:
        folder: of the run; made if need be. It must be this command's alone (`claimed`).
        files: what it has, names of `RUN_FILES`.
        carry: files of the run before it that are this one's, too.
        discard: folders in it that belong to the run before; they are gone when this returns.

    Raises:
        BadFile: it cannot be written; the run before it stays.
        BadSetting: another command is at work in one of `discard`; the run before it stays.
    """
    with refusals(folder), made_folder(folder):
        finish(folder)
        aside = folder / WRITING
        try:
            os.mkdir(aside)  # noqa: PTH102
            for name, content in files.items():
                create(aside / name, content())
            create(aside / LIST, json_bytes([*files, *carry]))
            sync_folder(aside)
            for name in discard:
                _remove(folder / name)
            os.rename(aside, folder / WRITTEN)  # noqa: PTH104
        except BaseException:
            with contextlib.suppress(OSError):
                shutil.rmtree(aside)
            raise
        sync_folder(folder)
        finish(folder)


def finish(folder: Path) -> None:
    """Bring every file of a run that counts already to its place, and take away what was being written.

    Raises:
        OSError: as the file system says; the run counts as before.
    """
    listed, aside = _listed(folder), folder / WRITTEN
    if listed is not None:
        for name in RUN_FILES:
            if name not in listed:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(folder / name)  # noqa: PTH108
            elif (aside / name).is_file():
                os.replace(aside / name, folder / name)  # noqa: PTH105
        sync_folder(folder)
    sweep(folder)
    for name in RUN_FILES:  # a version before this one wrote so
        with contextlib.suppress(FileNotFoundError):
            os.unlink(folder / f"{name}{PART}")  # noqa: PTH108
    for each in (aside, folder / WRITING):
        if each.is_dir():
            _without_list(each)
            shutil.rmtree(each)


def _without_list(aside: Path) -> None:
    """First the list, in one go: without it, what else is there no longer counts."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(aside / LIST)  # noqa: PTH108


def _listed(folder: Path) -> frozenset[str] | None:
    """The files of a run that is on its way to its place; None: there is none."""
    path = folder / WRITTEN / LIST
    try:
        return frozenset(map(str, json.loads(path.read_bytes())))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError) as error:
        raise BadFile(f"{path} cannot be read ({error}): it is damaged; make the run again elsewhere") from None


def _remove(folder: Path) -> None:
    if folder.is_dir():
        with claimed(folder):
            for path in (path for path in folder.iterdir() if path.name != LOCK):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        os.rmdir(folder)  # noqa: PTH106
