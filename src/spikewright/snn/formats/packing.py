"""Stored integers as packed bytes: element i takes the bits i·b .. i·b + b − 1 of one stream.

Bit n of the stream is bit n mod 8 of byte ⌊n/8⌋, the least significant first. The bits of an element come least
significant first as well, in two's complement; with one bit, set means +1 and clear −1. The elements are in row-major
order. What is left of the last byte is 0. So 8 and 16 bits are the bytes of a little-endian int8 and int16 array.
Knows nothing about scales or networks.
"""

import math

import numpy as np
import torch
from torch import Tensor

from spikewright.errors import BadFile, BadSetting

BITS = range(1, 17)


def packed_size(count: int, bits: int) -> int:
    """Bytes that so many elements of so many bits take."""
    return -(-count * bits // 8)


def pack(stored: Tensor, bits: int) -> Tensor:
    """Integers of any shape → bytes, uint8 [⌈n·bits/8⌉], on the CPU.

    Args:
        stored: n integers within −2^(bits−1) .. 2^(bits−1) − 1, or −1 and +1 where bits is 1.
        bits: 1..16.

    Raises:
        BadSetting: bits outside 1..16, values that are no integers or do not fit.

    """
    _require_bits(bits)
    if stored.is_floating_point() or stored.is_complex() or stored.dtype == torch.bool:
        raise BadSetting(f"packing takes stored integers, not {stored.dtype}: give what a weight format stores")
    values = stored.detach().cpu().contiguous().numpy().reshape(-1)
    if bits == 1:
        fits = (values == 1) | (values == -1)
        _require_fit(fits, values, "1 bit holds −1 and +1")
        return torch.from_numpy(np.packbits(values == 1, bitorder="little"))
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    _require_fit((values >= low) & (values <= high), values, f"{bits} bits hold {low}..{high}")
    width = 1 if bits <= 8 else 2
    octets = values.astype(f"<i{width}").reshape(-1, 1).view(np.uint8)
    if bits % 8:
        octets = np.packbits(np.unpackbits(octets, axis=1, bitorder="little")[:, :bits], bitorder="little")
    return torch.from_numpy(octets.reshape(-1))


def unpack(packed: Tensor, bits: int, shape: tuple[int, ...]) -> Tensor:
    """Bytes, uint8 [⌈n·bits/8⌉] → the integers that were packed, int8 (int16 above 8 bits) [*shape], on the CPU.

    Raises:
        BadSetting: bits outside 1..16.
        BadFile: bytes of another type or number than the shape needs, or bits set after the last element.

    """
    require_packed(packed, bits, shape)
    count = math.prod(shape)
    octets = packed.detach().cpu().contiguous().numpy()
    dtype = "<i1" if bits <= 8 else "<i2"
    if not bits % 8:
        return torch.from_numpy(octets.view(dtype).astype(dtype[1:]).reshape(shape))
    stream = np.unpackbits(octets, bitorder="little")
    columns = stream[: count * bits].reshape(count, bits)
    if bits == 1:
        return torch.from_numpy((2 * columns.astype(np.int8) - 1).reshape(shape))
    # The sign bit fills what is left of the element's own bytes
    filler = np.repeat(columns[:, -1:], (8 if bits < 8 else 16) - bits, axis=1)
    whole = np.packbits(np.concatenate([columns, filler], axis=1), axis=1, bitorder="little")
    return torch.from_numpy(whole.view(dtype).astype(dtype[1:]).reshape(shape))


def require_packed(packed: Tensor, bits: int, shape: tuple[int, ...]) -> None:
    """Refuse bytes that are not so many packed integers.

    Raises:
        BadSetting: bits outside 1..16.
        BadFile: as `unpack`.

    """
    _require_bits(bits)
    count = math.prod(shape) if all(size >= 0 for size in shape) else -1
    if packed.dtype != torch.uint8 or packed.dim() != 1 or packed.numel() != packed_size(count, bits):
        raise BadFile(
            f"packed weights {list(packed.shape)} of {packed.dtype}: shape {list(shape)} at {bits} bits takes "
            f"{packed_size(count, bits)} bytes: the file is truncated or belongs to another network"
        )
    used = count * bits % 8
    if used and int(packed[-1]) >> used:
        raise BadFile(
            f"packed weights of shape {list(shape)}: bits are set after the last element: copy the file again"
        )


def _require_bits(bits: int) -> None:
    if bits not in BITS:
        raise BadSetting(f"packing takes 1..16 bits an element, not {bits}: choose among these")


def _require_fit(fits: np.ndarray, values: np.ndarray, holds: str) -> None:
    if not fits.all():
        raise BadSetting(f"{holds}, not {values[~fits][0]}: store the weights again in that many bits")
