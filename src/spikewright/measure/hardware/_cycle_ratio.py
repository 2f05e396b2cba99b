"""How closely repeated work can follow itself: the largest ratio of steps to samples over the cycles of its waits.

    S_after(k + samples) ≥ S_before(k) + steps          for every wait, and every sample k
    interval = max Σ steps / Σ samples over cycles, an exact fraction
S(k) is when a core begins sample k. Knows nothing about networks.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import lcm
from typing import NamedTuple


class Wait(NamedTuple):
    """S_after(k + samples) ≥ S_before(k) + steps."""

    before: str
    after: str
    steps: Fraction
    samples: int


def shortest_interval(windows: Mapping[str, Fraction], waits: Sequence[Wait]) -> tuple[Fraction, tuple[str, ...]]:
    """The largest Σ steps / Σ samples over all cycles, and the cores of that cycle; `windows` says how long each works.

    A core's own cycle has the ratio T. From the largest of those on, as long as some cycle has a larger ratio
    (its Σ steps − ratio · Σ samples is positive), take that cycle's (Newton's method, exact in fractions).
    """
    slowest = max(windows, key=lambda name: windows[name])
    interval, cores = windows[slowest], {slowest}
    while cycle := slower_cycle(waits, interval):
        interval = sum((wait.steps for wait in cycle), Fraction(0)) / sum(wait.samples for wait in cycle)
        cores = {wait.after for wait in cycle}
    return interval, tuple(name for name in windows if name in cores)


def slower_cycle(waits: Sequence[Wait], interval: Fraction) -> list[Wait]:
    """A cycle that needs more than `interval` steps a sample, or none (Bellman–Ford, longest paths)."""
    lengths = [wait.steps - interval * wait.samples for wait in waits]
    scale = lcm(*(length.denominator for length in lengths))  # integers are ten times as fast
    whole = [int(length * scale) for length in lengths]
    path = {name: 0 for wait in waits for name in (wait.before, wait.after)}
    last: dict[str, Wait] = {}  # a cycle among these is positive
    longer = True
    while longer:
        longer = False
        for wait, length in zip(waits, whole, strict=True):
            reached = path[wait.before] + length
            if reached > path[wait.after]:
                path[wait.after], last[wait.after], longer = reached, wait, True
        if cycle := _cycle(last):
            return cycle
    return []


def _cycle(last: Mapping[str, Wait]) -> list[Wait]:
    """A cycle, if there is one, where each name has at most one wait that leads to it."""
    done: set[str] = set()
    for start in last:
        name, walk = start, dict[str, Wait]()
        while name in last and name not in done and name not in walk:
            walk[name] = last[name]
            name = last[name].before
        if name in walk:
            met = list(walk)
            return [walk[each] for each in met[met.index(name) :]]
        done.update(walk)
    return []
