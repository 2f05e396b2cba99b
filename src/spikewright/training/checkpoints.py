"""Checkpoints to resume from: the newest one of a folder, and whether it belongs to the training asked for.

One file per epoch, written whole, the one before it is removed; read with `weights_only`, so that no code comes with
it.
"""

import io
import re
import shutil
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO
from torch import Tensor

from spikewright.data.files import refusals, sweep, write_bytes
from spikewright.errors import BadFile, BadSetting

SETTLED = {"devices", "device"}  # settings that a resumed run may change
FINGERPRINTS = {"data": "other data", "model": "another network"}  # of no use to a reader: say what they tell


class WholeCheckpoints(TorchCheckpointIO):
    """Lightning's checkpoints through the package's own way of writing files: whole, or in one line why not."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:  # noqa: ARG002, D102
        content = io.BytesIO()
        torch.save(checkpoint, content)
        write_bytes(Path(path), content.getvalue())


def remove_all(folder: Path) -> None:
    """Take away the checkpoints of an earlier training.

    Raises:
        BadFile: they cannot be removed.
    """
    if folder.is_dir():
        with refusals(folder):
            shutil.rmtree(folder)


def retain_newest(folder: Path) -> None:
    """Take away the checkpoints before the newest: a kill may come between writing one and removing the last."""
    last = newest(folder)
    with refusals(folder):
        sweep(folder)
        for path in folder.glob("epoch-*.ckpt"):
            if path != last:
                path.unlink(missing_ok=True)


def newest(folder: Path) -> Path | None:
    """The checkpoint of the latest epoch in `folder`, or None."""
    found = [(int(match[1]), path) for path in folder.glob("*.ckpt") if (match := re.match(r"epoch-(\d+)", path.name))]
    return max(found)[1] if found else None


def require_same(path: Path, *, identity: dict[str, Any], state: dict[str, Tensor]) -> None:
    """Check that the checkpoint goes on with this training.

    Args:
        path: the checkpoint.
        identity: settings and data of this training, plain values.
        state: this training's own state dict.

    Raises:
        BadFile: the file is damaged.
        BadSetting: it comes from other settings, data or another network.
    """
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        theirs, their_shapes = dict(found["identity"]), {n: tuple(t.shape) for n, t in found["state_dict"].items()}
    except Exception as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadFile(f"{path}: cannot be read ({words[:100]}): delete it and train again") from None
    choose = "or choose another --out, or --overwrite it"
    for key, value in identity.items():
        if key in SETTLED or theirs.get(key) == value:
            continue
        if key not in theirs and not value:
            continue  # a setting that is younger than the checkpoint, and off
        if key in FINGERPRINTS:
            raise BadSetting(f"{path}: belongs to {FINGERPRINTS[key]}: resume with the same --{key}, {choose}")
        name, was, now = _difference(key, theirs.get(key), value)
        raise BadSetting(f"{path}: {name.replace('_', '-')} was {was}, now it is {now}: resume with the same, {choose}")
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    if shapes != their_shapes:
        raise BadSetting(f"{path}: belongs to {FINGERPRINTS['model']}: resume with the same --model, {choose}")


def _difference(name: str, was: Any, now: Any) -> tuple[str, Any, Any]:
    """The first setting within a setting that differs, by its path, and what it was and is."""
    if isinstance(was, dict) and isinstance(now, dict):
        inner = next(key for key in {**was, **now} if was.get(key) != now.get(key))
        return _difference(f"{name}.{inner}", was.get(inner), now.get(inner))
    return name, was, now
