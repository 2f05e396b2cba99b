"""Captures kept on this machine, for every test process and for later runs: tracing is what takes time.

A capture lies in a folder named after all that it follows from (the files that make it, the versions, this
machine's arithmetic), so that none is ever out of date. It is written under another name and renamed.
"""

import getpass
import hashlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from spikewright.ann.source import Source
from spikewright.errors import BadFile
from spikewright.interchange.run_folder import load_source, save_source

ROOT = Path(__file__).parents[2]
MAKERS = (
    "src/spikewright/ann",
    "src/spikewright/data/preparation.py",
    "src/spikewright/interchange/run_folder.py",
    "src/spikewright/interchange/source_formats.py",
    "tests/support/captures.py",
    "tests/support/zoo.py",
)


def saved(name: str, make: Callable[[], tuple[Source, Tensor]], *makers: str) -> tuple[Source, Tensor]:
    """A source and inputs for it, from this machine's folder or made now.

    Args:
        name: the folder's name.
        make: makes them; always the same from the same files.
        makers: files and folders that `make` follows from besides `MAKERS`, from the repository's root on.
    """
    folder = _folder_of(*MAKERS, *makers) / name
    try:
        return _read(folder)
    except (BadFile, SafetensorError, OSError):
        shutil.rmtree(folder, ignore_errors=True)
    _write(folder, *make())
    return _read(folder)


@cache
def _folder_of(*makers: str) -> Path:
    arithmetic = (platform.machine(), torch.backends.cpu.get_cpu_capability(), os.environ.get("ONEDNN_MAX_CPU_ISA"))
    digest = hashlib.sha256(repr((sys.version, torch.__version__, *arithmetic)).encode())
    for maker in makers:
        path = ROOT / maker
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            content = file.read_bytes()
            digest.update(f"{file.relative_to(ROOT)} {len(content)}\n".encode() + content)
    mine = Path(tempfile.gettempdir()) / f"spikewright-captures-{getpass.getuser()}"
    mine.mkdir(mode=0o700, exist_ok=True)
    folder = mine / digest.hexdigest()[:20]
    folder.mkdir(exist_ok=True)
    return folder


def _read(folder: Path) -> tuple[Source, Tensor]:
    source, about = load_source(folder)
    ordered = {name: source.arrays[name] for name in about["arrays"]}  # the file has an order of its own
    inputs = load_file(folder / "inputs.safetensors")["inputs"]
    return replace(source, arrays=ordered), inputs


def _write(folder: Path, source: Source, inputs: Tensor) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)  # somebody may have tidied up while tests ran
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="part-") as scratch:
        part = Path(scratch) / folder.name
        save_source(part, source, about={"arrays": list(source.arrays)})
        save_file({"inputs": inputs.contiguous()}, part / "inputs.safetensors")
        try:
            part.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was first, with the same
                raise
