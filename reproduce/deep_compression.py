"""The file format of Deep Compression (Han, Mao and Dally, 2016), as SqueezeNet was published in it.

In the order of the layers: first the number of stored weights of each, uint32. Then of each layer a codebook of 256
float32, the bias in float32, one byte a stored weight (its place in the codebook), and half a byte a stored weight (how
many weights are left out before it; the low half comes first). What is left out has the codebook's first value. A gap
of more than 15 has stored weights of that value in between.
"""

from collections.abc import Sequence
from math import prod

import numpy as np
import torch
from torch import Tensor

CODEBOOK = 256


def unpack(content: bytes, shapes: Sequence[tuple[int, ...]]) -> list[tuple[Tensor, Tensor]]:
    """Weight and bias of each layer, from the shapes of the weights.

    Raises:
        ValueError: the file is not of these layers.
    """
    place = 0

    def take(kind: type[np.generic], count: int) -> np.ndarray:
        nonlocal place
        found = np.frombuffer(content, kind, count, offset=place)
        place += found.nbytes
        return found

    layers: list[tuple[Tensor, Tensor]] = []
    stored = take(np.uint32, len(shapes))
    for count, shape in zip(stored.tolist(), shapes, strict=True):
        codebook, bias = take(np.float32, CODEBOOK), take(np.float32, shape[0])
        codes = take(np.uint8, count)
        pairs = take(np.uint8, (count + 1) // 2)
        gaps = np.stack([pairs % 16, pairs // 16], 1).reshape(-1)[:count]
        dense = np.zeros(prod(shape), np.uint8)
        dense[np.cumsum(gaps.astype(np.int64) + 1) - 1] = codes
        layers.append((torch.from_numpy(codebook[dense].reshape(shape)), torch.from_numpy(bias.copy())))
    if place != len(content):
        raise ValueError(f"{len(content):,} bytes, and these layers take {place:,}: is it another network's file?")
    return layers
