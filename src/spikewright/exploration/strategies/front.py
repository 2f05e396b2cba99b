"""The Pareto front of a sampled search, and its confirmation: measured again with fault maps that chose nothing.

    front:  the feasible candidates that no other feasible one matches in all objectives and beats in one
    fresh:  maps of another seed, made of the search's by a hash; none of them is one of the search's maps
Of many candidates the best looks better than it is, as luck helped it to be best. So the front's reliability is shown
again from nothing, all of it judged together, and those figures are the ones that stand.
"""

from collections.abc import Sequence
from dataclasses import replace

from spikewright.data.progress import Progress, silent
from spikewright.exploration.candidates.candidate import Candidate
from spikewright.exploration.gates.reliability import show
from spikewright.exploration.strategies.sampled import values_of
from spikewright.exploration.strategies.study import DIRECTIONS
from spikewright.exploration.workspace import Bench, fresh_seed

PURPOSE = "front"


def front(candidates: Sequence[Candidate], objectives: Sequence[str]) -> list[Candidate]:
    """The candidates that pass and are not beaten, in the order given."""
    signs = [1.0 if DIRECTIONS[name] == "maximize" else -1.0 for name in objectives]
    passing = [one for one in candidates if one.passes]
    worth = [
        tuple(sign * value for sign, value in zip(signs, values_of(one, objectives), strict=True)) for one in passing
    ]
    return [one for one, mine in zip(passing, worth, strict=True) if not any(_beats(other, mine) for other in worth)]


def confirmed(bench: Bench, chosen: Sequence[Candidate], *, on_progress: Progress = silent) -> list[Candidate]:
    """The same candidates, with what fresh maps show of their reliability; some may pass no longer.

    Raises:
        SpikewrightError: as making and measuring do.
    """
    if not chosen:
        return []
    points = {one.name: one.point for one in chosen}
    for point in points.values():
        bench.candidate(point)  # tried on another machine, it is not here yet
    ask = bench.asking(points, seed=fresh_seed(bench.settings.fault_seed, PURPOSE), on_progress=on_progress)
    shown = show(list(points), ask, bench.plan(1 - bench.settings.gates.level))
    return [replace(one, shown=shown[one.name]) for one in chosen]


def _beats(other: tuple[float, ...], mine: tuple[float, ...]) -> bool:
    return all(theirs >= own for theirs, own in zip(other, mine, strict=True)) and other != mine
