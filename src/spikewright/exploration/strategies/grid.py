"""Algorithm 1: go through a grid; accuracy and energy first, reliability of what is left; wider lists if none passes.

    round: every point → candidate without faults → cheap gates → reliability, all of the round judged together
    until one passes, the rounds are used up, or the lists cannot grow
With R rounds of widening each round is judged at α/(1 + R), so that all of them together keep α.

Source: "Reliability-Aware Hyperparameter Optimization for ANN-to-SNN Conversion", Algorithm 1. Differs: energy, known
from the pass that gives accuracy, is asked before reliability, which passes the same set; lists are widened by rule
where the paper says "automatic or manual".
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from spikewright.data.progress import Progress, silent
from spikewright.exploration.candidates.candidate import Candidate
from spikewright.exploration.gates.reliability import Shown, show
from spikewright.exploration.request.points import Point
from spikewright.exploration.workspace import Bench

Save = Callable[[Sequence[Candidate]], None]


def search_grid(bench: Bench, *, save: Save, on_progress: Progress = silent) -> list[Candidate]:
    """Go through the grid of the bench's settings.

    Args:
        bench: where candidates are made and measured.
        save: called with all candidates so far, whenever something new is known of one.
        on_progress: called as things are done.

    Returns:
        All candidates, in the order in which they were tried.

    Raises:
        SpikewrightError: as making and measuring do.
    """
    settings, space = bench.settings, bench.settings.space
    alpha = (1 - settings.gates.level) / (1 + settings.widen.rounds)
    found: list[Candidate] = []
    for _ in range(1 + settings.widen.rounds):
        known = {one.name for one in found}
        points = [point for point in bench.maker.possible(space.points()) if point.name not in known]
        if not points:
            break
        found += gated(bench, points, alpha=alpha, save=_after(found, save), on_progress=on_progress)
        if any(one.passes for one in found):
            break
        space = space.wider(settings.widened_lists, most_timesteps=settings.widen.most_timesteps)
    return found


def gated(
    bench: Bench, points: Sequence[Point], *, alpha: float, save: Save, on_progress: Progress = silent
) -> list[Candidate]:
    """All gates for some points, reliability judged together over those that get so far."""
    found: dict[str, Candidate] = {}
    for index, point in enumerate(points):
        on_progress("candidates", index, len(points))
        found[point.name] = bench.candidate(point, on_progress=on_progress)
        save(list(found.values()))
    on_progress("candidates", len(points), len(points))
    left = {name: one.point for name, one in found.items() if one.stopped_by is None}

    def on_verdicts(shown: dict[str, Shown]) -> None:
        for name, each in shown.items():
            found[name] = replace(found[name], shown=each)
        save(list(found.values()))

    if left:
        ask = bench.asking(left, seed=bench.settings.fault_seed, on_progress=on_progress)
        show(list(left), ask, bench.plan(alpha), on_verdicts=lambda shown: on_verdicts(dict(shown)))
    return list(found.values())


def _after(before: Sequence[Candidate], save: Save) -> Save:
    earlier = list(before)
    return lambda found: save([*earlier, *found])
