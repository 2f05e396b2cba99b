"""The state of an interrupted calibration: tensors and JSON in one safetensors file, renamed into place."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from spikewright.data.json_file import parsed
from spikewright.errors import BadFile


def save_state(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write the state through a temporary file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    saved = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    save_file(saved, temporary, metadata={"about": json.dumps(about)})
    os.replace(temporary, path)  # noqa: PTH105


def load_state(path: Path, *, identity: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a state back.

    Raises:
        BadFile: the file is damaged, or of a calibration with another identity.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about = parsed((file.metadata() or {})["about"], finite=False)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError, AttributeError, TypeError) as error:
        raise BadFile(f"{path} cannot be read ({error}): it is damaged; delete it to begin again") from None
    if not isinstance(about, dict) or about.get("identity") != json.loads(json.dumps(identity)):
        raise BadFile(f"{path} is of another calibration (settings, inputs or network): delete it to begin again")
    return tensors, about
