"""Times of several things, one after the other in every round, so that what else the machine does falls on all alike.

Medians, and medians of the ratios within a round: seconds on a shared machine mean little, ratios something.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from spikewright.errors import BadSetting


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One thing's time.

    Attributes:
        milliseconds: median over the rounds.
        ratio: median over the rounds of its time by that of the thing it is compared with.
        ratio_quartiles: lower and upper.
    """

    milliseconds: float
    ratio: float
    ratio_quartiles: tuple[float, float]


def side_by_side(
    runs: Mapping[str, Callable[[], object]], *, against: str, rounds: int = 15, warm_up: int = 2
) -> dict[str, Timing]:
    """Time each of `runs`, by name.

    Args:
        runs: what to time; called without arguments.
        against: the name of the one that the others are compared with.
        rounds: how often each is timed.
        warm_up: how often each is called before.

    Raises:
        BadSetting: no rounds, or nothing named `against`.
    """
    if rounds < 1:
        raise BadSetting(f"timing needs at least one round, got {rounds}")
    if against not in runs:
        raise BadSetting(f"timing: nothing is named {against!r}: choose one of {', '.join(runs)}")
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        for _ in range(warm_up):
            run()
    for _ in range(rounds):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            seconds[name].append(max(time.perf_counter() - began, 1e-9))
    return {name: _timing(times, seconds[against]) for name, times in seconds.items()}


def _timing(times: list[float], others: list[float]) -> Timing:
    ratios = sorted(one / other for one, other in zip(times, others, strict=True))
    quarter = len(ratios) // 4
    return Timing(
        milliseconds=1000 * median(times),
        ratio=median(ratios),
        ratio_quartiles=(ratios[quarter], ratios[-1 - quarter]),
    )
