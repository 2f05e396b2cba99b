"""Read trained weights into a network, all or nothing: safetensors, or a PyTorch state dict without code.

A file that does not fit, or holds NaN, is refused before the network is changed.
"""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from spikewright.errors import BadFile, BadModel

COUNTER = "num_batches_tracked"
SHOWN = 3  # names listed of each kind: a wrong file misses hundreds


def _read_safetensors(path: Path) -> dict[str, Any]:
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        words = " ".join(str(error).split())
        raise BadFile(f"{path}: not a whole safetensors file ({words}): copy or save it again") from error


def _read_pickle(path: Path) -> dict[str, Any]:
    # torch answers a truncated file with RuntimeError, EOFError, KeyError or UnpicklingError as chance has it
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise BadFile(
            f"{path}: not a plain state dict ({type(error).__name__}): it is truncated or holds more than "
            f"tensors: save it with torch.save(model.state_dict(), ...) or as safetensors"
        ) from error
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]  # the layout of most training scripts
    if not isinstance(content, dict):
        raise BadFile(f"{path}: holds a {type(content).__name__}, not a state dict: save model.state_dict()")
    return content


READERS = {".safetensors": _read_safetensors, ".pt": _read_pickle, ".pth": _read_pickle}


def _listed(label: str, names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{label} {', '.join(names[:SHOWN])}{more}"


def _misfits(expected: dict[str, Tensor], given: dict[str, Any]) -> list[str]:
    # the counter of batches has no part in what the network computes, and old files lack it
    missing = [n for n in expected if n not in given and not n.endswith(COUNTER)]
    unexpected = [n for n in given if n not in expected]
    common = [n for n in expected if n in given]
    no_tensor = [n for n in common if not isinstance(given[n], Tensor)]
    shapes = [
        f"{n} (file {tuple(given[n].shape)}, model {tuple(expected[n].shape)})"
        for n in common
        if isinstance(given[n], Tensor) and given[n].shape != expected[n].shape
    ]
    kinds = {"missing": missing, "unexpected": unexpected, "not a tensor": no_tensor, "wrong shape": shapes}
    return [_listed(label, names) for label, names in kinds.items() if names]


def _plain(dtype: torch.dtype) -> bool:
    return dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16)


def require_weights(path: Path) -> None:
    """Refuse a file that is not there, or of a kind that is not read; it is not opened.

    Raises:
        BadFile: it is one of these.
    """
    if path.suffix not in READERS:
        raise BadFile(f"{path}: weights are read from {', '.join(READERS)} files: convert '{path.suffix}' to one")
    if not path.is_file():
        raise BadFile(f"{path}: no such file: check the path given as weights")


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Fill `model` in place from a `.safetensors` file or a `.pt`/`.pth` state dict.

    Raises:
        BadFile: the file is missing, truncated or of another kind.
        BadModel: names or shapes do not match the model, or a parameter holds NaN or infinity.

    """
    path = Path(path)
    require_weights(path)
    given = READERS[path.suffix](path)
    misfits = _misfits(model.state_dict(), given)
    if misfits:
        raise BadModel(f"{path}: does not fit the model: {'; '.join(misfits)}: give the file saved from this model")
    for name, tensor in given.items():
        if tensor.is_sparse or tensor.is_quantized or not (_plain(tensor.dtype) or name.endswith(COUNTER)):
            raise BadModel(f"{path}: parameter '{name}' is {tensor.dtype}: save it as float32 or float64")
        if not torch.isfinite(tensor).all():
            raise BadModel(f"{path}: parameter '{name}' holds NaN or infinity: train again or give another file")
    model.load_state_dict(given, strict=False)  # strict was checked above, in one line
