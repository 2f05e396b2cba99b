"""Draws of faults as Python integers, one at a time: Philox, splitmix64, gaps, Floyd's choice, Box and Muller."""

import hashlib
import math
from collections.abc import Iterator

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15


def philox(key: int) -> Iterator[int]:
    """Philox 4x64 with 10 rounds, as printed (Salmon et al. 2011), from counter 1 on."""
    counter = 0
    while True:
        counter += 1
        c = [(counter >> 64 * lane) & MASK for lane in range(4)]
        k = [key & MASK, key >> 64]
        for _ in range(10):
            first, second = c[0] * 0xD2E7470EE14C6C93, c[2] * 0xCA5A826395121157
            c = [(second >> 64) ^ c[1] ^ k[0], second & MASK, (first >> 64) ^ c[3] ^ k[1], first & MASK]
            k = [(k[0] + GOLDEN) & MASK, (k[1] + 0xBB67AE8584CAA73B) & MASK]
        yield from c


def uniform(word: int) -> float:
    return ((word >> 12) + 0.5) / 2**52


def normal(first: int, second: int) -> float:
    return math.sqrt(-2 * math.log(uniform(first))) * math.cos(2 * math.pi * uniform(second))


def mixed(state: int) -> int:
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & MASK
    return state ^ (state >> 31)


def word(key: int, slot: int) -> int:
    """The output of splitmix64 seeded with the key, so many places after the first."""
    return mixed((key + (slot + 1) * GOLDEN) & MASK)


def slot_normal(key: int, slot: int) -> float:
    return normal(word(key, 2 * slot), word(key, 2 * slot + 1))


class SlowDraw:
    """What `Draw` does, from its stream of words."""

    def __init__(self, seed: int, stratum: str, number: int) -> None:
        digest = hashlib.blake2b(f"{seed}\0{stratum}\0{number}".encode(), digest_size=16).digest()
        self._stream = philox(int.from_bytes(digest, "little"))

    def words(self, count: int) -> list[int]:
        return [next(self._stream) for _ in range(count)]

    def key(self) -> int:
        return next(self._stream)

    def uniforms(self, count: int) -> list[float]:
        return [uniform(word) for word in self.words(count)]

    def normals(self, count: int) -> list[float]:
        words = self.words(2 * count)
        return [normal(first, second) for first, second in zip(words[::2], words[1::2], strict=True)]

    def hits(self, total: int, rate: float) -> list[int]:
        """One gap after the other; like `Draw`, words are taken in blocks, so that what comes after is the same."""
        if rate <= 0 or total == 0:
            return []
        if rate >= 1:
            return list(range(total))
        block = int(total * rate + 6 * math.sqrt(total * rate)) + 8
        found, place = [], -1
        while place < total:
            for u in self.uniforms(block):
                place += 1 + int(min(math.log(u) / math.log1p(-rate), total))
                found.append(place)
        return [place for place in found if place < total]

    def distinct(self, total: int, count: int) -> list[int]:
        chosen: set[int] = set()
        for last, u in zip(range(total - count, total), self.uniforms(count), strict=True):
            place = int(u * (last + 1))
            chosen.add(last if place in chosen else place)
        return sorted(chosen)
