"""What transient faults draw: a hash of (key, image, slot), so that nothing depends on who else is in the batch.

    key of an image     splitmix64(key, image)
    word of a slot      splitmix64(key of the image, slot)              a slot is a step and a place, or a bit of one
    struck              word < rate · 2^64                              with the rate all that is struck grows
    normal              √(−2 ln u₁) · cos(2π u₂)                        of the words of two slots
The hash is that of `bernoulli`; all 64 bits count, as faults may be rarer than 2^-24. Loops are scalar, so that a
number is the same in any row of any array.

Source: Steele, Lea & Flood 2014 (hash); Box & Muller 1958.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from spikewright.snn.encoders._draws import GOLDEN, Keys, mixed


@numba.njit(cache=True)
def _uniform(word: np.uint64) -> float:
    """A number of an even grid inside (0, 1)."""
    return (np.float64(np.int64(word >> np.uint64(12))) + 0.5) * 2.0**-52


@numba.njit(cache=True)
def _normal(first: np.uint64, second: np.uint64) -> float:
    return math.sqrt(-2.0 * math.log(_uniform(first))) * math.cos(2.0 * math.pi * _uniform(second))


@numba.njit(cache=True)
def _word(key: np.uint64, slot: np.int64) -> np.uint64:
    return mixed(key + np.uint64(slot + 1) * GOLDEN)


@numba.njit(cache=True, nogil=True)
def _image_keys(key, images, keys):
    for n in range(len(images)):
        keys[n] = _word(key, images[n])


@numba.njit(cache=True, nogil=True)
def _apply_slots(train, keys, places, last, fired):
    features = train.shape[2]
    for t in range(train.shape[0]):
        for n in range(train.shape[1]):
            row = train[t, n]
            for i in places:
                if (row[i] != 0) == fired and _word(keys[n], t * features + i) <= last:
                    row[i] = 0 if fired else 1


@numba.njit(cache=True, nogil=True)
def _masks(keys, slots, bits, last, masks):
    for n in range(len(keys)):
        for k in range(len(slots)):
            mask = np.int64(0)
            for bit in range(bits):
                if _word(keys[n], slots[k] * bits + bit) <= last:
                    mask |= np.int64(1) << np.int64(bit)
            masks[n, k] = mask


@numba.njit(cache=True, nogil=True)
def _normals(keys, slots, out):
    for n in range(len(keys)):
        for k in range(len(slots)):
            out[n, k] = _normal(_word(keys[n], 2 * slots[k]), _word(keys[n], 2 * slots[k] + 1))


@numba.njit(cache=True, nogil=True)
def _pairs(words, out):
    for k in range(len(out)):
        out[k] = _normal(words[2 * k], words[2 * k + 1])


def _last(rate: float) -> np.uint64 | None:
    """The largest word that is struck at a rate in [0, 1]; None: none is."""
    words = min(int(rate * 2.0**64), 2**64)
    return np.uint64(words - 1) if words else None


def image_keys(key: int, images: NDArray[np.int64]) -> Keys:
    """A key for each image, made of a key of 64 bits and the image's number."""
    keys = np.empty(len(images), dtype=np.uint64)
    _image_keys(np.uint64(key), np.ascontiguousarray(images, dtype=np.int64), keys)
    return keys


def apply_slots(train: NDArray, keys: Keys, places: NDArray[np.int64], rate: float, *, fired: bool) -> None:
    """Change spikes in place, each slot with probability `rate`.

    Args:
        train: [T, N, F] of 0 and 1 (or −1), any type of number.
        keys: of the images, [N].
        places: of the features that may be struck.
        rate: in [0, 1].
        fired: whether spikes are struck, and become 0; else silent slots are, and become 1.
    """
    last = _last(rate)
    if last is not None:
        _apply_slots(train, keys, places, last, fired)


def masks(keys: Keys, slots: NDArray[np.int64], bits: int, rate: float) -> NDArray[np.int64]:
    """Struck bits of words of so many bits (at most 63), each with probability `rate`: a mask a slot, [N, slots]."""
    found = np.zeros((len(keys), len(slots)), dtype=np.int64)
    last = _last(rate)
    if last is not None:
        _masks(keys, slots, bits, last, found)
    return found


def normals(keys: Keys, slots: NDArray[np.int64]) -> NDArray[np.float64]:
    """Numbers of a normal distribution with mean 0 and standard deviation 1, [N, slots]."""
    found = np.empty((len(keys), len(slots)))
    _normals(keys, slots, found)
    return found


def normal(words: NDArray[np.uint64]) -> NDArray[np.float64]:
    """The same from random words, [2n] → [n]."""
    found = np.empty(len(words) // 2)
    _pairs(words, found)
    return found
