"""Arrays in a safetensors file, read in one place: only such as a run folder is written with.

They are floating point, all of one type (float32 or float64), but for those named as packed, which are bytes. Every
number is finite and none of them is empty. Knows nothing about networks.
"""

import errno
import os
from collections.abc import Collection, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from spikewright.data.files import unread
from spikewright.errors import BadFile

TYPES = (torch.float32, torch.float64)
PACKED = torch.uint8


def read_arrays(path: Path) -> dict[str, Tensor]:
    """The arrays of a file, as they are.

    Raises:
        BadFile: the file cannot be read, is truncated or damaged.
    """
    if not os.access(path, os.R_OK):  # the library's own words are those of a damaged file
        raise unread(path, PermissionError(errno.EACCES, ""))
    try:
        return load_file(path)
    except MemoryError:
        raise BadFile(f"{path} does not fit into memory: run on a machine with more of it") from None
    except OSError as error:
        raise unread(path, error) from None
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        # a header may name types and sizes that torch has not
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadFile(f"{path} cannot be read ({reason}): it is truncated or damaged; make the run again") from None


def require_arrays(path: Path, arrays: Mapping[str, Tensor], *, packed: Collection[str] = ()) -> None:
    """Refuse arrays that no run folder is written with.

    Args:
        path: the file they are of, for the message.
        arrays: as they were read.
        packed: those that hold packed weights, if they are there.

    Raises:
        BadFile: an array is of another type than the others or than is written, is empty, or not finite.
    """
    first: tuple[str, torch.dtype] | None = None
    for name, array in sorted(arrays.items()):
        if name in packed:
            if array.dtype != PACKED:
                raise BadFile(f"{path}: array {name!r} is {_word(array.dtype)}, packed weights are uint8: {_AGAIN}")
            continue
        if array.dtype not in TYPES:
            raise BadFile(f"{path}: array {name!r} is {_word(array.dtype)}, not float32 or float64: {_AGAIN}")
        first = first or (name, array.dtype)
        if array.dtype != first[1]:
            raise BadFile(
                f"{path}: array {name!r} is {_word(array.dtype)}, {first[0]!r} is {_word(first[1])}: all are of one "
                f"type: {_AGAIN}"
            )
        if not array.numel():
            raise BadFile(f"{path}: array {name!r} has shape {tuple(array.shape)}, no numbers in it: {_AGAIN}")
        if not bool(array.isfinite().all()):
            raise BadFile(f"{path}: array {name!r} holds values that are not finite (NaN or infinity): {_AGAIN}")


_AGAIN = "the file was edited; make the run again"


def _word(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
