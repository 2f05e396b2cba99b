"""Beyond the grid: Optuna proposes points, the gates prune them, and several objectives are weighed.

    trial → point → candidate → cheap gates (pruned where one stops it) → reliability → values of the objectives
Every gate is a constraint of the trial (feasible at 0 or below), so that samplers learn from what is pruned. A point
is tried once: one that is proposed again is given back as failed, does not count, and after some of these a point that
was never tried is queued in its place. A space of no more points than trials is queued whole.

Trials decide on reliability one by one, which with many of them would pass some by luck; so what they say serves the
sampler, and what passes is decided on the front alone, again, with fresh maps (`front.py`).
"""

import random
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from spikewright.data.progress import Progress, silent
from spikewright.exploration.candidates.candidate import Candidate
from spikewright.exploration.gates.cheap import SAME, Gate
from spikewright.exploration.gates.reliability import show
from spikewright.exploration.request.points import Point
from spikewright.exploration.request.settings import SampleSettings
from spikewright.exploration.request.space import Space, combinations, written_out
from spikewright.exploration.strategies.record import candidate_of, record_of
from spikewright.exploration.strategies.study import NAME, OWNER, RECORD, owner, requeue
from spikewright.exploration.strategies.trials import parameters, suggest
from spikewright.exploration.workspace import Bench
from spikewright.measure.statistics.decisions import Verdict

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

REPEATS = 8  # points in a row that were proposed before
EXHAUSTED = 200  # so many in a row: there is hardly another in a space of reals, which have four digits each
GRID = 100_000  # points that are written out to find one that is left


class Repeated(Exception):
    """A point that was tried already, or one more than was asked for."""


def values_of(one: Candidate, objectives: Sequence[str]) -> list[float]:
    """What a candidate is worth: shares for accuracy and reliability (its worst rate), joules, bytes, steps."""
    assert one.golden is not None
    assert one.shown is not None
    known: dict[str, float] = {
        "accuracy": one.golden.accuracy,
        "reliability": one.shown.worst.reliability_mean,
        "energy": one.golden.energy_joules,
        "memory": float(one.golden.memory_bytes),
        "latency": float(one.golden.latency_steps),
    }
    return [known[name] for name in objectives]


def constraints_of(one: Candidate, margin: float) -> dict[str, float]:
    """How far a candidate is outside each gate that it came to; 0 or below is feasible.

    Args:
        one: the candidate.
        margin: of reliability, a share.
    """
    if one.cheap is None:
        return {Gate.MADE.value: 1.0}
    found = {Gate.ALIVE.value: -one.cheap.alive}
    if one.cheap.stopped_by is Gate.ALIVE:
        return found
    found[Gate.ACCURACY.value] = _signed(-one.cheap.accuracy, one.cheap.accuracy >= -SAME)
    if one.cheap.stopped_by is Gate.ACCURACY:
        return found
    found[Gate.ENERGY.value] = _signed(-one.cheap.energy, one.cheap.energy > 0)
    if one.shown is not None:
        lacking = max(-(rate.difference_low + margin) for rate in one.shown.rates)
        found[Gate.RELIABILITY.value] = _signed(lacking, one.shown.verdict is Verdict.PASS)
    return found


def _signed(lacking: float, passed: bool) -> float:
    """A constraint on the side that the gate's verdict puts it, whatever rounding says."""
    return min(lacking, 0.0) if passed else max(lacking, SAME)


def queue_all(study: "optuna.Study", bench: Bench, settings: SampleSettings) -> int:
    """Queue a grid of no more points than trials, and say how many trials there are to be."""
    points = _grid(bench, bench.settings.space)
    if points is None or len(points) > settings.trials:
        return settings.trials
    known = _tried(study, all_states=True)
    for point in points:
        if point.name not in known:
            # the name goes along, so that the same command does not queue it again
            study.enqueue_trial(parameters(bench.settings.space, point), user_attrs={NAME: point.name})
    return len(points)


def sample(study: "optuna.Study", bench: Bench, trials: int, *, on_progress: Progress = silent) -> None:
    """Try points until `trials` of them are done, by whoever works on the study.

    Raises:
        SpikewrightError: as making and measuring do.
    """
    import optuna  # noqa: PLC0415 - it takes a second
    from optuna.study import MaxTrialsCallback  # noqa: PLC0415
    from optuna.trial import TrialState  # noqa: PLC0415

    states = (TrialState.COMPLETE, TrialState.PRUNED)
    if done(study) >= trials:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        warnings.filterwarnings("ignore", module=r"optuna(\.|$)")
        study.optimize(
            _Objective(study, bench, trials, on_progress),
            catch=(Repeated,),
            callbacks=[MaxTrialsCallback(trials, states=states)],
        )


def done(study: "optuna.Study") -> int:
    """How many trials are done: those with values, and those that a gate pruned."""
    return sum(trial.state.name in ("COMPLETE", "PRUNED") for trial in study.get_trials(deepcopy=False))


def collected(study: "optuna.Study") -> list[Candidate]:
    """The candidates of all trials that are done, in the order of the trials."""
    return [
        candidate_of(trial)
        for trial in study.get_trials(deepcopy=False)
        if trial.state.name in ("COMPLETE", "PRUNED") and RECORD in trial.user_attrs
    ]


class _Objective:
    """One trial after another."""

    def __init__(self, study: "optuna.Study", bench: Bench, trials: int, on_progress: Progress) -> None:
        self.study, self.bench, self.trials, self.on_progress = study, bench, trials, on_progress
        self.repeats = 0

    def __call__(self, trial: "optuna.Trial") -> Sequence[float]:
        import optuna  # noqa: PLC0415

        trial.set_user_attr(OWNER, owner())
        self._require_wanted(trial.number)
        point = suggest(self.bench.settings.space, trial)
        self._require_new(trial, point)
        trial.set_user_attr(NAME, point.name)
        try:
            one = self._gated(point)
        except KeyboardInterrupt:
            requeue(self.study, trial)
            raise
        self._describe(trial, one)
        if one.shown is None:
            raise optuna.TrialPruned(one.why)
        assert self.bench.settings.optuna is not None
        return values_of(one, self.bench.settings.optuna.objectives)

    def _gated(self, point: Point) -> Candidate:
        one = self.bench.candidate(point, on_progress=self.on_progress)
        if one.stopped_by is not None:
            return one
        gates = self.bench.settings.gates
        ask = self.bench.asking({point.name: point}, seed=self.bench.settings.fault_seed, on_progress=self.on_progress)
        return replace(one, shown=show([point.name], ask, self.bench.plan(1 - gates.level))[point.name])

    def _require_wanted(self, number: int) -> None:
        """End here if others are at work on all that is asked for."""
        done = {"COMPLETE", "PRUNED"}
        others = [
            trial
            for trial in self.study.get_trials(deepcopy=False)
            if trial.state.name in done or (trial.state.name == "RUNNING" and trial.number < number)
        ]
        if len(others) >= self.trials:
            self.study.stop()
            raise Repeated(f"{self.trials} trials are done or at work")

    def _require_new(self, trial: "optuna.Trial", point: Point) -> None:
        known = _tried(self.study)
        earlier = [number for number in known.get(point.name, ()) if number < trial.number]
        if not earlier:
            self.repeats = 0
            return
        trial.set_user_attr("the same as trial", earlier[0])
        self.repeats += 1
        if self.repeats >= REPEATS:
            self._queue_another(known)
        raise Repeated(f"{point.name} was tried as trial {earlier[0]}")

    def _queue_another(self, known: dict[str, list[int]]) -> None:
        space = self.bench.settings.space
        points = _grid(self.bench, space)
        if points is None:
            if self.repeats >= EXHAUSTED:
                self.study.stop()
            return
        left = [point for point in points if point.name not in known]
        if not left:
            self.study.stop()
            return
        chosen = random.Random(f"{self.bench.settings.seed} {len(known)}").choice(left)
        self.study.enqueue_trial(parameters(space, chosen))
        self.repeats = 0

    def _describe(self, trial: "optuna.Trial", one: Candidate) -> None:
        for name, value in constraints_of(one, self.bench.settings.gates.reliability_margin / 100).items():
            trial.set_constraint(name, value)
        for name, value in one.to_json().items():
            if isinstance(value, str | int | float) and name != NAME:
                trial.set_user_attr(name.replace("_", " "), value)
        # last: a trial that has it is described
        trial.set_user_attr(RECORD, record_of(one))


def _grid(bench: Bench, space: Space) -> list[Point] | None:
    """All points that can be, where they are few enough to be written out."""
    most = combinations(space)
    return None if most is None or most > GRID else bench.maker.possible(written_out(space).points())


def _tried(study: "optuna.Study", *, all_states: bool = False) -> dict[str, list[int]]:
    """The trials of each point, by name; those that are done or at work, or also those that wait."""
    states = ("COMPLETE", "PRUNED", "RUNNING", *(("WAITING",) if all_states else ()))
    found: dict[str, list[int]] = {}
    trial: FrozenTrial
    for trial in study.get_trials(deepcopy=False):
        if trial.state.name in states and NAME in trial.user_attrs:
            found.setdefault(trial.user_attrs[NAME], []).append(trial.number)
    return found
