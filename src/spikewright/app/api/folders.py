"""Networks as run folders."""

from pathlib import Path
from typing import Any

import torch

from spikewright.ann.source import Source
from spikewright.engines.network import SpikingNetwork, build
from spikewright.interchange import run_folder


def save(
    path: str | Path, network: SpikingNetwork, source: Source | None = None, *, about: dict[str, Any] | None = None
) -> None:
    """Write a network, and the source to verify it against, as a run folder."""
    if source is not None:
        run_folder.save_source(Path(path), source, about=about or {})
    run_folder.save_blueprint(Path(path), network.blueprint, about=about or {})


def load(path: str | Path, *, dtype: torch.dtype = torch.float32) -> tuple[SpikingNetwork, Source | None]:
    """Read a run folder back; nothing in it is executed."""
    where = Path(path)
    blueprint, _ = run_folder.load_blueprint(where)
    source = run_folder.load_source(where)[0] if (where / "source.json").is_file() else None
    return build(blueprint, dtype=dtype), source
