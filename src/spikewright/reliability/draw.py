"""Random numbers of one fault map: a stream that depends on the seed, the stratum and the map's number alone.

Counter-based (Philox), keyed by a hash of the three, and used through its raw 64-bit words, whose order NumPy
guarantees; so a map is the same whoever draws it, and when. Knows nothing about faults.

Source: Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3"; gaps between rare events are geometric.
"""

import hashlib
import math

import numpy as np
from numpy.typing import NDArray


class Draw:
    """A stream of random numbers.

    Args:
        seed: of the campaign.
        stratum: the part of the network that is struck, in words.
        number: of the fault map.
    """

    def __init__(self, seed: int, stratum: str, number: int) -> None:
        digest = hashlib.blake2b(f"{seed}\0{stratum}\0{number}".encode(), digest_size=16).digest()
        self._words = np.random.Philox(key=int.from_bytes(digest, "little"))

    def key(self) -> int:
        """64 random bits, for a hash to go on with."""
        return int(self._words.random_raw())

    def uniforms(self, count: int) -> NDArray[np.float64]:
        """So many numbers, each from an even grid inside (0, 1)."""
        words = np.asarray(self._words.random_raw(count), dtype=np.uint64)
        # 52 bits: with 53 the last half would round up, and the largest number to 1
        return ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52

    def normals(self, count: int) -> NDArray[np.float64]:
        """So many numbers of a normal distribution with mean 0 and standard deviation 1."""
        from spikewright.reliability.draw_loops import normal  # noqa: PLC0415 - brings Numba

        return normal(np.asarray(self._words.random_raw(2 * count), dtype=np.uint64))

    def hits(self, total: int, rate: float) -> NDArray[np.int64]:
        """Which of `total` places are struck, each with probability `rate` and alone; ascending.

        Work and memory are in proportion to the hits, not to the places.
        """
        if rate <= 0 or total == 0:
            return np.empty(0, np.int64)
        if rate >= 1:
            return np.arange(total, dtype=np.int64)
        scale = 1 / math.log1p(-rate)
        block = int(total * rate + 6 * math.sqrt(total * rate)) + 8
        found, last = [], -1
        while last < total:
            gaps = np.minimum(np.floor(np.log(self.uniforms(block)) * scale), float(total)).astype(np.int64)
            places = last + np.cumsum(gaps + 1)
            found.append(places)
            last = int(places[-1])
        places = np.concatenate(found)
        return places[: np.searchsorted(places, total)]

    def distinct(self, total: int, count: int) -> NDArray[np.int64]:
        """`count` different places of `total`, every choice as likely as any other; ascending.

        Floyd's way: place j is taken where the draw among 0 … j was taken before.
        """
        chosen: set[int] = set()
        for last, uniform in zip(range(total - count, total), self.uniforms(count), strict=True):
            place = min(int(uniform * (last + 1)), last)
            chosen.add(last if place in chosen else place)
        return np.array(sorted(chosen), dtype=np.int64)
