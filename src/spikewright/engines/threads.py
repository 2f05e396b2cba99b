"""Ranges of work on threads, for compiled loops that let go of the interpreter."""

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Found = TypeVar("Found")


def spread(items: int, threads: int, run: Callable[[int, int], Found]) -> list[Found]:
    """What `run(first, last)` returns for ranges that together are 0 … items, in order; one range a thread.

    With one thread, or one item, in this one.
    """
    threads = max(1, min(items, threads))
    if threads == 1:
        return [run(0, items)]
    edges = [items * i // threads for i in range(threads + 1)]
    return list(_pool(threads).map(run, edges[:-1], edges[1:]))


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "spikewright")
