"""Read trained weights into a network, all or nothing: safetensors, or a PyTorch state dict without code.

A checkpoint is looked into where it keeps its state dict under a usual name, and names may carry what wrappers put in
front of them; a note says so. A file that does not fit, or holds NaN, is refused before the network is changed.
"""

from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from spikewright.errors import BadFile, BadModel

STORED_UNDER = ("state_dict", "model_state_dict", "model", "net", "module", "ema")  # by training scripts and Lightning
WRAPPED_BY = ("module.", "model.", "net.", "_orig_mod.")  # DataParallel and EMA, Lightning modules, torch.compile
AVERAGED = "n_averaged"  # of torch's AveragedModel, beside its module
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
    if not isinstance(content, dict):
        raise BadFile(f"{path}: holds a {type(content).__name__}, not a state dict: save model.state_dict()")
    return content


READERS = {".safetensors": _read_safetensors, ".pt": _read_pickle, ".pth": _read_pickle, ".ckpt": _read_pickle}


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


class Weights(NamedTuple):
    """Arrays by name, as a file has them, and the keys of the checkpoint that they were under."""

    path: Path
    arrays: dict[str, Any]
    under: tuple[str, ...]


def read_weights(path: str | Path) -> Weights:
    """Read a file; what it is to fill need not be there yet.

    Raises:
        BadFile: the file is missing, truncated or of another kind.
    """
    path = Path(path)
    require_weights(path)
    content, under = READERS[path.suffix](path), list[str]()
    while True:
        key = next((key for key in STORED_UNDER if isinstance(content.get(key), dict)), None)
        if key is None:
            break
        content = content[key]
        under.append(key)
    for key in content:
        if not isinstance(key, str):
            raise BadFile(f"{path}: has {repr(key)[:50]} for a name: save model.state_dict(), whose names are text")
    return Weights(path, content, tuple(under))


def load_weights(model: nn.Module, path: str | Path) -> str | None:
    """Fill `model` in place from a `.safetensors` file or a `.pt`/`.pth`/`.ckpt` state dict; the note of `fill`.

    Raises:
        BadFile, BadModel: as `read_weights` and `fill` say.
    """
    return fill(model, read_weights(path))


def fill(model: nn.Module, weights: Weights) -> str | None:
    """Fill `model` in place.

    Returns:
        One line where the arrays were not under their plain names: where they were.

    Raises:
        BadModel: names or shapes do not match the model, or a parameter holds NaN or infinity.
    """
    path = weights.path
    given, wrapping = _unwrapped(model.state_dict(), weights.arrays)
    misfits = _misfits(model.state_dict(), given)
    if misfits:
        raise BadModel(f"{path}: does not fit the model: {'; '.join(misfits)}: give the file saved from this model")
    for name, tensor in given.items():
        if tensor.is_sparse or tensor.is_quantized or not (_plain(tensor.dtype) or name.endswith(COUNTER)):
            raise BadModel(f"{path}: parameter '{name}' is {tensor.dtype}: save it as float32 or float64")
        if not torch.isfinite(tensor).all():
            raise BadModel(f"{path}: parameter '{name}' holds NaN or infinity: train again or give another file")
    model.load_state_dict(given, strict=False)  # strict was checked above, in one line
    said = [f"the state dict under {'.'.join(map(repr, weights.under))}"] if weights.under else []
    said += [f"names without {wrapping!r} in front"] if wrapping else []
    return f"{path}: read {', '.join(said)}" if said else None


def _unwrapped(expected: dict[str, Tensor], given: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The arrays without what wrappers put before every name, and what that was; as they are where names fit."""
    wrapping = ""
    while given and not expected.keys() & given.keys():
        named = {name: array for name, array in given.items() if name != AVERAGED}
        prefix = next((each for each in WRAPPED_BY if all(name.startswith(each) for name in named)), None)
        if prefix is None or not named:
            break
        given = {name.removeprefix(prefix): array for name, array in named.items()}
        wrapping += prefix
    return given, wrapping
