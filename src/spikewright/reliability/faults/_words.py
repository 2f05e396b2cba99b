"""Stored weights as words of bits: two's complement, or one bit for ±1; struck bits by weight."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from spikewright.errors import BadSetting, nearest
from spikewright.reliability.faults import Rewrite
from spikewright.reliability.sites import Sites

# (words, mask of the struck bits) → words
Change = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.int64]]


def words(integers: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    """Integers as unsigned words of so many bits; of one bit, 1 stands for +1."""
    return (integers > 0).astype(np.int64) if bits == 1 else integers & ((1 << bits) - 1)


def integers(words: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    """`words` undone."""
    if bits == 1:
        return 2 * words - 1
    sign = 1 << (bits - 1)
    return (words ^ sign) - sign


def faulty(sites: Sites, hit: NDArray[np.int64], change: Change) -> dict[str, Rewrite]:
    """The weights whose bits, numbered over all memories in order, are in `hit` (ascending), after the strike.

    Weights that hold what they held before are left out.
    """
    rewritten: dict[str, Rewrite] = {}
    start = 0
    for memory in sites.memories:
        mine = hit[np.searchsorted(hit, start) : np.searchsorted(hit, start + memory.count)] - start
        start += memory.count
        if not len(mine):
            continue
        weights, masks = masked_words(*memory.bit(mine))
        before = memory.integers[weights]
        after = integers(change(words(before, memory.bits), masks), memory.bits)
        changed = after != before
        if changed.any():
            rewritten[memory.name] = Rewrite(weights[changed], after[changed])
    return rewritten


def masked_words(words: NDArray[np.int64], positions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Struck bits as (word, position), words ascending, at least one → each word once, and the mask of its bits."""
    found, first = np.unique(words, return_index=True)
    return found, np.bitwise_or.reduceat(np.int64(1) << positions, first)


def require_rate(name: str, rate: float | None) -> None:
    """Refuse a probability that is none.

    Raises:
        BadSetting: outside [0, 1], or not a number.
    """
    if rate is not None and not 0 <= rate <= 1:
        raise BadSetting(f"{name} is {rate}: a rate is a probability, give one from 0 to 1")


def listed(bits: Mapping[str, tuple[tuple[int, int], ...]], sites: Sites) -> NDArray[np.int64]:
    """The numbers, ascending, of bits that are listed as (weight's place, bit's position) by memory.

    Raises:
        BadSetting: a memory, place or position that the sites do not have.
    """
    known = {memory.name: memory for memory in sites.memories}
    for name in bits:
        if name not in known:
            raise BadSetting(f"there is no layer {name!r} to strike: {nearest(name, known)}")
    found, start = [], 0
    for memory in sites.memories:
        places = np.arange(len(memory.integers)) if memory.places is None else memory.places
        for place, position in bits.get(memory.name, ()):
            at = int(np.searchsorted(places, place))
            if at >= len(places) or places[at] != place or position not in memory.positions:
                raise BadSetting(
                    f"layer {memory.name!r} has no bit {position} of weight {place} here: it has "
                    f"{len(places)} weights of {memory.bits} bits"
                )
            found.append(start + at * len(memory.positions) + memory.positions.index(position))
        start += memory.count
    return np.unique(np.array(found, dtype=np.int64))
