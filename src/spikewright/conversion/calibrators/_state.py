"""The state of an interrupted calibration: tensors and JSON in one safetensors file, written whole."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from spikewright.data.files import write_bytes
from spikewright.data.json_file import parsed
from spikewright.errors import BadFile


def save_state(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write the state, in place of an earlier one.

    Raises:
        BadFile: it cannot be written.
    """
    saved = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_bytes(path, save(saved, {"about": json.dumps(about)}))


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
