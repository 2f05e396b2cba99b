"""A data set as pixels, before validation is settled: the splits as found, and what is measured once."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikewright.data.dataset import Split
from spikewright.data.labelled import Labelled

CHUNK = 1024  # images measured at a time, to stay small beside a memory-mapped array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoded:
    """Splits by name, the number of classes, mean and std of `train` per channel, a fingerprint of it all."""

    splits: Mapping[str, Split]
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fingerprint: str


def measure(splits: Mapping[str, Split], *, classes: int) -> Decoded:
    """Compute the moments of the `train` split (white is 1) and the fingerprint of all pixels and labels."""
    mean, std = _moments(splits["train"].images)
    return Decoded(splits=splits, classes=classes, mean=mean, std=std, fingerprint=fingerprint(splits))


def _moments(images: NDArray[np.uint8]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    # integer sums: exact, whatever the chunks
    total = np.zeros(images.shape[1], dtype=np.int64)
    squares = np.zeros(images.shape[1], dtype=np.int64)
    for start in range(0, len(images), CHUNK):
        chunk = images[start : start + CHUNK]
        total += chunk.sum(axis=(0, 2, 3), dtype=np.int64)
        squares += np.square(chunk, dtype=np.uint16).sum(axis=(0, 2, 3), dtype=np.int64)
    count = images.size // images.shape[1]
    mean = total / count
    variance = np.maximum(squares / count - mean**2, 0)
    # a constant channel has nothing to scale
    std = np.where(variance > 0, np.sqrt(variance), 255.0)
    return tuple((mean / 255).tolist()), tuple((std / 255).tolist())


def fingerprint(splits: Mapping[str, Labelled]) -> str:
    """Hash all inputs and labels, split by split in alphabetical order."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(splits):
        split = splits[name]
        digest.update(f"{name} {split.inputs.shape} ".encode())
        digest.update(np.ascontiguousarray(split.labels).tobytes())
        for start in range(0, len(split), CHUNK):
            digest.update(np.ascontiguousarray(split.inputs[start : start + CHUNK]).data)
    return digest.hexdigest()
