"""What ties the files of one run to each other: a fingerprint of the networks that it holds, in each of its files.

In JSON it is the field `fingerprint`, in safetensors an entry of the metadata. Files with different ones are of
different runs. A file without one was written by an older version or by another tool, and nothing is known of it;
editing JSON by hand leaves the fingerprint as it is.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from spikewright.errors import BadFile
from spikewright.interchange.placing import RUN_FILES, where

FIELD = "fingerprint"


def fingerprint_of(parts: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Tensor]]]) -> str:
    """Of a run's parts by name: what the JSON says of the networks, and the arrays.

    What is known about them is left out: it says how long it took, and the same networks have the same files.
    """
    found = hashlib.blake2b(digest_size=16)
    for name, (content, arrays) in parts.items():
        network = {key: value for key, value in content.items() if key != "about"}
        found.update(f"{name} {json.dumps(network, sort_keys=True)}".encode())
        for key in sorted(arrays):
            array = arrays[key].detach().cpu().contiguous()
            found.update(f"{key} {array.dtype} {tuple(array.shape)}".encode())
            found.update(array.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def mark_of(folder: Path, name: str) -> str | None:
    """The fingerprint in a file; None: it has none, is not there or cannot be read, which its reader says better."""
    path = where(folder, name)
    try:
        if path.suffix == ".json":
            content = json.loads(path.read_text())
            return content.get(FIELD) if isinstance(content, dict) else None
        with safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get(FIELD)
    except (OSError, ValueError, RecursionError, SafetensorError):
        return None


def require_tied(folder: Path) -> None:
    """Refuse a folder whose files are of different runs.

    Raises:
        BadFile: their fingerprints differ.
    """
    marks = {name: mark for name in RUN_FILES if (mark := mark_of(folder, name)) is not None}
    for name, mark in marks.items():
        first = next(iter(marks))
        if mark != marks[first]:
            raise BadFile(
                f"{folder} holds files of different runs ({first} and {name} have different fingerprints): make the "
                "run again, with --overwrite"
            )
