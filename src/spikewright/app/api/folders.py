"""Networks as run folders."""

from pathlib import Path
from typing import Any

import torch

from spikewright.ann.source import Source
from spikewright.engines.network import SpikingNetwork, build
from spikewright.errors import BadFile
from spikewright.interchange import run_folder
from spikewright.interchange.claim import claimed
from spikewright.interchange.placing import has_file


def save(
    path: str | Path, network: SpikingNetwork, source: Source | None = None, *, about: dict[str, Any] | None = None
) -> None:
    """Write a network, and the source to verify it against, as a run folder, in place of the run that is there.

    Raises:
        BadFile: it cannot be written, or it holds a source and none is given, which may not be this network's.
    """
    where = Path(path)
    with claimed(where):
        if source is None and has_file(where, "source.json"):
            raise BadFile(f"{where} holds a source network: give the source of this network too, or another folder")
        run_folder.save_run(where, source=source, blueprint=network.blueprint, about=about or {})


def load(path: str | Path, *, dtype: torch.dtype = torch.float32) -> tuple[SpikingNetwork, Source | None]:
    """Read a run folder back; nothing in it is executed."""
    where = Path(path)
    blueprint, _ = run_folder.load_blueprint(where)
    source = run_folder.load_source(where)[0] if has_file(where, "source.json") else None
    return build(blueprint, dtype=dtype), source
