"""Decoded data sets on disk: one folder per key with .npy arrays, memory-mapped when read.

A folder is filled under a temporary name and renamed, so that it is whole or not there; a damaged one is made
anew. The place is `$SPIKEWRIGHT_CACHE`, else `~/.cache/spikewright`.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from spikewright.data.dataset import Split
from spikewright.data.decoded import Decoded
from spikewright.data.files import made_folder
from spikewright.data.json_file import read_json
from spikewright.errors import BadFile

T = TypeVar("T")
DAMAGED = (OSError, ValueError, KeyError, TypeError)  # what reading a damaged folder raises; BadData is a ValueError
VERSION = 1  # part of every key: raise it when the same source would decode to other pixels


def cache_folder() -> Path:
    """Folder that holds the decoded data sets."""
    base = os.environ.get("SPIKEWRIGHT_CACHE")
    return (Path(base).expanduser() if base else Path.home() / ".cache" / "spikewright") / "data"


def key_of(*parts: object) -> str:
    """Hash whatever decides the decoded pixels into a folder name."""
    return hashlib.blake2b(json.dumps([VERSION, *parts]).encode(), digest_size=16).hexdigest()


def image_file(folder: Path, split: str) -> Path:
    """Name the file of a split's images inside a cache folder."""
    return folder / f"{split}-images.npy"


def cached(key: str, fill: Callable[[Path], Decoded]) -> Decoded:
    """Return the images stored under `key`, else what `fill` makes, which writes its image files into a folder.

    Raises:
        BadFile: the cache cannot be written.

    """
    return stored(key, fill, write=_write, read=_read)


def stored(key: str, fill: Callable[[Path], T], *, write: Callable[[Path, T], None], read: Callable[[Path], T]) -> T:
    """Return what is stored under `key`, else what `fill` makes.

    Args:
        key: the folder's name.
        fill: makes the value; large arrays it writes into the folder it is given.
        write: puts the rest of the value into that folder.
        read: returns the value of a folder, its arrays mapped; any error that `DAMAGED` lists means that the folder
            is damaged, and it is made anew.

    Raises:
        BadFile: the cache cannot be written.

    """
    folder = cache_folder() / key
    found = _whole(folder, read)
    if found is not None:
        return found
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(made_folder(folder.parent))  # which goes again where nothing comes into it
            workspace = Path(tempfile.mkdtemp(dir=folder.parent, prefix="unfinished-"))
        except OSError as error:
            raise BadFile(f"{folder.parent}: cannot be written ({error.strerror}): set SPIKEWRIGHT_CACHE") from error
        try:
            write(workspace, fill(workspace))
            shutil.rmtree(folder, ignore_errors=True)  # damaged, if it is there at all
            # another process may have finished the same data set first: its folder serves as well
            if not folder.exists():
                workspace.rename(folder)
        except OSError as error:
            if _whole(folder, read) is None:
                raise BadFile(f"{folder}: cannot be written ({error.strerror}): set SPIKEWRIGHT_CACHE") from error
        finally:
            shutil.rmtree(workspace, ignore_errors=True)
    cached = _whole(folder, read)
    if cached is None:
        raise BadFile(f"{folder}: vanished while it was read: run again, or set SPIKEWRIGHT_CACHE elsewhere")
    return cached


def _whole(folder: Path, read: Callable[[Path], T]) -> T | None:
    try:
        return read(folder)
    except DAMAGED:
        return None


def _write(folder: Path, decoded: Decoded) -> None:
    for name, split in decoded.splits.items():
        np.save(folder / f"{name}-labels.npy", split.labels)
    entry = {
        "splits": list(decoded.splits),
        "classes": decoded.classes,
        "mean": decoded.mean,
        "std": decoded.std,
        "fingerprint": decoded.fingerprint,
    }
    (folder / "entry.json").write_text(json.dumps(entry))


def _read(folder: Path) -> Decoded:
    entry = read_json(folder / "entry.json")
    splits = {
        name: Split(
            images=np.asarray(np.load(image_file(folder, name), mmap_mode="r")),
            labels=np.load(folder / f"{name}-labels.npy"),
        )
        for name in entry["splits"]
    }
    return Decoded(
        splits=splits,
        classes=entry["classes"],
        mean=tuple(entry["mean"]),
        std=tuple(entry["std"]),
        fingerprint=entry["fingerprint"],
    )
