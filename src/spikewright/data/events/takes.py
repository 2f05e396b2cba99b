"""What a data set of recordings consists of: takes, each a file or a span of one, with its class and split.

Knows nothing about formats or frames.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spikewright.data.events.read import READERS, is_recording
from spikewright.errors import BadData


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One sample: a file, the span of it that counts (microseconds, the end not in it; None: all), its class."""

    file: Path
    label: int
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Takes:
    """The takes of each split, and the names of the classes by label."""

    splits: Mapping[str, tuple[Take, ...]]
    classes: tuple[str, ...]


def in_order(folder: Path) -> list[Path]:
    """List what a folder holds, `2` before `10`."""
    try:
        return sorted(folder.iterdir(), key=lambda path: numbered(path.name))
    except OSError as error:
        raise BadData(f"{folder}: cannot be read ({error.strerror}): give a folder whose files can be") from None


def numbered(name: str) -> tuple[tuple[int, int | str], ...]:
    """Key that sorts names by the numbers in them."""
    parts = re.split(r"(\d+)", name)
    return tuple((0, int(part)) if part.isdecimal() and len(part) < 100 else (1, part) for part in parts if part)


def subfolders(folder: Path) -> list[Path]:
    """List the folders in a folder, `2` before `10`; hidden ones are left out."""
    return [path for path in in_order(folder) if path.is_dir() and not path.name.startswith(".")]


def recordings(folder: Path) -> list[Path]:
    """List the recordings that lie in a folder.

    Raises:
        BadData: there are none.

    """
    files = [path for path in in_order(folder) if path.is_file()]
    found = [path for path in files if is_recording(path)]
    if not found:
        endings = {path.suffix.lower() or "no ending" for path in files}
        others = ", ".join(sorted(endings - set(READERS)))
        only = f", only files of {others}; what is read ends in {', '.join(READERS)}" if others else ""
        raise BadData(f"{folder}: holds no recordings{only}: add some, or remove the folder")
    return found
