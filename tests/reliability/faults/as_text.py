"""Stored integers as words of bits, written as text; and what struck bits make of them."""

from fractions import Fraction

from reliability.faults.sites import bits_of
from spikewright.reliability.faults import Patch
from spikewright.reliability.sites import Sites


def word(integer: int, bits: int) -> str:
    """The bits of a stored integer, the greatest first."""
    if bits == 1:
        return "1" if integer == 1 else "0"
    return format(integer + 2**bits if integer < 0 else integer, f"0{bits}b")


def integer(word: str) -> int:
    """`word` undone: the first bit of two's complement counts negative."""
    if len(word) == 1:
        return 1 if word == "1" else -1
    return -int(word[0]) * 2 ** (len(word) - 1) + int(word[1:], 2)


def slow_strike(sites: Sites, hit: list[int], kind: str) -> dict[str, dict[int, int]]:
    """What changed weights hold, by memory and place, one struck bit after the other on words as text."""
    every = bits_of(sites)
    changed: dict[str, dict[int, int]] = {}
    for memory in sites.memories:
        for place, before in enumerate(memory.integers.tolist()):
            now = list(word(before, memory.bits))
            for index in hit:
                name, where, position = every[index]
                if (name, where) == (memory.name, place):
                    at = memory.bits - 1 - position
                    now[at] = {"flip": "10"[int(now[at])], "0": "0", "1": "1"}[kind]
            if integer("".join(now)) != before:
                changed.setdefault(memory.name, {})[place] = integer("".join(now))
    return changed


def rewritten(patch: Patch) -> dict[str, dict[int, int]]:
    assert not patch.stages
    assert patch.pixels is None
    return {
        name: dict(zip(each.places.tolist(), each.integers.tolist(), strict=True))
        for name, each in patch.weights.items()
    }


def flipped(value: Fraction, step: Fraction, bits: int, masks: list[int], *, exact: bool) -> Fraction:
    """A potential after flips of its word's bits: words as text, two's complement."""
    word = min(max(round(value / step), -(2 ** (bits - 1))), 2 ** (bits - 1) - 1)
    text = list(format(word % 2**bits, f"0{bits}b"))
    for bit in masks:
        text[bits - 1 - bit] = "10"[int(text[bits - 1 - bit])]
    after = int("".join(text), 2) - (2**bits if text[0] == "1" else 0)
    return after * step if exact else value + (after - word) * step
