"""Local folders of data: which folder a name means, and what would change if its content did."""

import os
from pathlib import Path

from spikewright.errors import BadData

ENVIRONMENT = "SPIKEWRIGHT_DATA"


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
    """List every file's path in `folder`, size in bytes and time of change in nanoseconds, sorted."""
    found: list[tuple[str, int, int]] = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        facts = file.stat()
        found.append((file.relative_to(folder).as_posix(), facts.st_size, facts.st_mtime_ns))
    return found
