"""A small campaign for the tests of pools: sums of integers, with the process that did each, and ways to go wrong."""

import os
import signal
import time
import uuid
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NUMBERS = np.random.default_rng(5).integers(0, 1000, 300_000, dtype=np.int32)


class Built(NamedTuple):
    numbers: NDArray[np.int64]
    name: str  # a fresh one each time it is built


class Task(NamedTuple):
    factor: int
    meet: Path | None = None  # wait here until two processes have come
    die_once: Path | None = None  # kill the own process, if nobody has written this file yet
    die: bool = False
    fail: bool = False
    seconds: float = 0.0


class Tally(NamedTuple):
    factor: int
    total: int
    built: str
    process: int


class Wrong(Exception):
    pass


def build(numbers: NDArray[np.int32]) -> Built:
    return Built(numbers.astype(np.int64), uuid.uuid4().hex)


def work(built: Built, task: Task) -> Tally:
    if task.die_once is not None and not task.die_once.exists():
        task.die_once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if task.die:
        os.kill(os.getpid(), signal.SIGKILL)
    if task.fail:
        raise Wrong(f"factor {task.factor}")
    if task.meet is not None:
        (task.meet / str(os.getpid())).touch()
        patience = time.monotonic() + 60
        while len(list(task.meet.iterdir())) < 2 and time.monotonic() < patience:
            time.sleep(0.01)
    time.sleep(task.seconds)
    return Tally(task.factor, int((built.numbers * task.factor % 10_007).sum()), built.name, os.getpid())


def expected(factors: range) -> dict[int, int]:
    """The totals, number by number."""
    counts = np.bincount(NUMBERS)
    return {
        factor: sum(int(count) * (number * factor % 10_007) for number, count in enumerate(counts))
        for factor in factors
    }


def totals(tallies: list[Tally]) -> dict[int, int]:
    """The totals of tallies, each factor once."""
    assert len({tally.factor for tally in tallies}) == len(tallies)
    return {tally.factor: tally.total for tally in tallies}
