"""Local folders of data: which folder a name means, and what would change if its content did."""

import errno
import os
import stat
from pathlib import Path

from spikewright.errors import BadData

ENVIRONMENT = "SPIKEWRIGHT_DATA"
MOST_FILES = 5_000_000


def data_root(root: Path | None) -> Path | None:
    """Folder that holds the named data sets: `root`, else `$SPIKEWRIGHT_DATA`, else None."""
    if root is not None:
        return root
    base = os.environ.get(ENVIRONMENT)
    return Path(base).expanduser() if base else None


def find_folder(name: str, *, root: Path | None) -> Path | None:
    """Return the folder that `name` means, or None if only the hub can have it.

    Raises:
        BadData: `name` is a file, or is written like a path and does not exist.

    """
    missing = f"data '{name}': there is no such folder: check the path"
    if not name.strip():
        raise BadData(missing)
    try:
        return _found(name, root=root, missing=missing)
    except (OSError, ValueError, RuntimeError) as error:  # too long a name, a byte that none has, a home that is not
        if isinstance(error, BadData):
            raise
        reason = getattr(error, "strerror", None) or error
        raise BadData(f"data '{name[:100]}': cannot be looked for ({reason}): check the path") from None


def _found(name: str, *, root: Path | None, missing: str) -> Path | None:
    base = data_root(root)
    if base is not None and "/" not in name and (base / name).is_dir():
        return base / name
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if path.is_file():
        raise BadData(f"data '{name}': is a file: give the folder that holds it, with the splits train and test")
    # a hub id is NAME or OWNER/NAME, and nothing else
    if name.startswith((".", "~", "/")) or name.count("/") > 1:
        raise BadData(missing)
    return None


def listing(folder: Path) -> list[tuple[str, int, int]]:
    """List every file's path in `folder`, size in bytes and time of change in nanoseconds, sorted; links to folders are
    not followed.

    Raises:
        BadData: the root of the file system, a folder that cannot be read, more files than a data set has, or one that
            is no file (a pipe, a device), which would be waited for.
    """
    where = f"data '{folder}'"
    if folder.resolve() == Path(folder.anchor or "/"):
        raise BadData(f"{where}: is the whole file system: give the folder of a data set")
    found: list[tuple[str, int, int]] = []
    try:
        for place, _, names in os.walk(folder, onerror=_raise):
            for name in names:
                facts = _facts(Path(place, name))
                if facts is not None:
                    inside = Path(place, name).relative_to(folder).as_posix()
                    found.append((inside, facts.st_size, facts.st_mtime_ns))
            if len(found) > MOST_FILES:
                raise BadData(f"{where}: holds more than {MOST_FILES:,} files: give the folder of a data set")
    except OSError as error:
        raise BadData(
            f"{where}: {error.filename} cannot be read ({error.strerror}): give a folder whose files can be"
        ) from None
    return sorted(found, key=lambda entry: entry[0].split("/"))


def _facts(path: Path) -> os.stat_result | None:
    """What is known of a file; None of a link to nowhere.

    Raises:
        BadData: it is no file.
    """
    try:
        facts = path.stat()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP):
            return None
        raise
    if stat.S_ISDIR(facts.st_mode):
        return None  # a link to a folder
    if not stat.S_ISREG(facts.st_mode):
        raise BadData(f"data: {path} is a pipe, a socket or a device, no file: remove it")
    return facts


def _raise(error: OSError) -> None:
    raise error
