"""Sampling a space: what is tried and what is counted, with a bench whose figures are formulas."""

import collections
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exploration.candidates.test_candidate import POINT, candidate
from exploration.fakes import SPACE, FakeBench, golden_of, settings
from spikewright.exploration.candidates.candidate import Candidate
from spikewright.exploration.gates.cheap import Gate
from spikewright.exploration.request.settings import OBJECTIVES, GateSettings, SampleSettings
from spikewright.exploration.request.space import Span, TrainedSpace
from spikewright.exploration.strategies.sampled import collected, constraints_of, done, queue_all, sample, values_of
from spikewright.exploration.strategies.study import opened, take_up
from spikewright.measure.statistics.decisions import Verdict

SPANS = TrainedSpace(timesteps=Span(low=1, high=20), thresholds=Span(low=0.3, high=2.5))


def search(
    out: Path, *, trials: int = 20, space: TrainedSpace = SPACE, sampler: str = "tpe", seed: int = 0, **given_: Any
) -> tuple[optuna.Study, FakeBench, int]:
    sampling = SampleSettings(trials=trials, sampler=sampler, objectives=("accuracy", "energy"))  # pyright: ignore[reportArgumentType]
    stored = settings(out, space=space, optuna=sampling, gates=GateSettings(accuracy_margin=3, reliability_margin=1))
    bench = FakeBench(stored, out.parent / f"{out.name}.log", **given_)
    study = opened(sampling, out, seed=seed)
    return study, bench, queue_all(study, bench, sampling)  # pyright: ignore[reportArgumentType]


def run(study: optuna.Study, bench: FakeBench, trials: int) -> list[Candidate]:
    sample(study, bench, trials)  # pyright: ignore[reportArgumentType]
    return collected(study)


def made(bench: FakeBench) -> list[str]:
    assert bench.log is not None
    return [line.split()[1] for line in bench.log.read_text().splitlines() if line.startswith("made")]


def states(study: optuna.Study) -> collections.Counter[str]:
    return collections.Counter(trial.state.name for trial in study.get_trials(deepcopy=False))


def test_a_small_grid_is_gone_through_whole_and_each_point_once(tmp_path: Path) -> None:
    study, bench, trials = search(tmp_path / "out", trials=20)
    assert trials == len(SPACE.points()) == 16
    found = run(study, bench, trials)
    assert sorted(one.name for one in found) == sorted(point.name for point in SPACE.points())
    assert sorted(made(bench)) == sorted(point.name for point in SPACE.points())
    assert states(study)["FAIL"] == 0


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "nsga3", "random"])
def test_of_a_larger_space_so_many_different_points_are_tried(tmp_path: Path, sampler: str) -> None:
    study, bench, trials = search(tmp_path / "out", trials=12, sampler=sampler)
    assert trials == 12
    found = run(study, bench, trials)
    assert len(found) == len({one.name for one in found}) == 12
    assert sorted(made(bench)) == sorted(one.name for one in found)
    assert done(study) == 12
    assert states(study)["COMPLETE"] + states(study)["PRUNED"] == 12
    # points that were proposed again are given back, and say which trial they repeat
    for trial in study.trials:
        assert (trial.state.name == "FAIL") == ("the same as trial" in trial.user_attrs)


def test_ranges_are_sampled(tmp_path: Path) -> None:
    study, bench, trials = search(tmp_path / "out", trials=15, space=SPANS)
    found = run(study, bench, trials)
    assert len({one.name for one in found}) == 15
    assert all(1 <= one.point.settings["timesteps"] <= 20 for one in found)


def test_a_range_of_few_numbers_is_gone_through_whole(tmp_path: Path) -> None:
    few = TrainedSpace(timesteps=Span(low=1, high=5), thresholds=(0.5, 1.0))
    study, bench, trials = search(tmp_path / "out", trials=50, space=few)
    assert trials == 10
    found = run(study, bench, trials)
    steps = [(one.point.settings["timesteps"], one.point.settings["threshold"]) for one in found]
    assert sorted(steps) == [(t, threshold) for t in range(1, 6) for threshold in (0.5, 1.0)]


def test_a_range_with_hardly_a_number_in_it_comes_to_an_end(tmp_path: Path) -> None:
    tiny = TrainedSpace(timesteps=(2,), thresholds=Span(low=0.5, high=0.50001))
    study, bench, trials = search(tmp_path / "out", trials=5, space=tiny, sampler="random")
    assert [one.point.settings["threshold"] for one in run(study, bench, trials)] == [0.5]


def test_gates_prune_in_their_order_and_are_constraints(tmp_path: Path) -> None:
    study, bench, trials = search(tmp_path / "out")
    found = {one.name: one for one in run(study, bench, trials)}
    stops = collections.Counter(one.stopped_by for one in found.values())
    assert stops[Gate.ALIVE] == 4 and stops[Gate.ACCURACY] and stops[Gate.ENERGY] and stops[Gate.RELIABILITY]
    for trial in study.trials:
        one = found[trial.user_attrs["name"]]
        pruned = one.stopped_by in (Gate.ALIVE, Gate.ACCURACY, Gate.ENERGY)
        assert (trial.state.name == "PRUNED") == pruned
        asked = ["alive", "accuracy", "energy", "reliability"]
        last = {Gate.ALIVE: 1, Gate.ACCURACY: 2, Gate.ENERGY: 3}.get(one.stopped_by, 4)  # pyright: ignore[reportArgumentType, reportCallIssue]
        assert list(trial.constraints) == asked[:last]
        assert all(value <= 0 for value in trial.constraints.values()) == one.passes
        if not pruned:
            assert trial.values == [golden_of(one.point).accuracy, golden_of(one.point).energy_joules]
        # plain words for whoever reads the study
        assert trial.user_attrs["verdict"] == one.verdict
        assert trial.user_attrs["accuracy"] == golden_of(one.point).accuracy
        assert ("reliability mean" in trial.user_attrs) == (not pruned)
    assert {trial.user_attrs["name"] for trial in study.best_trials} <= {
        one.name for one in found.values() if one.passes
    }


def test_optuna_s_own_front_is_of_those_that_pass(tmp_path: Path) -> None:
    study, bench, trials = search(tmp_path / "out")
    found = run(study, bench, trials)
    passing = [one for one in found if one.passes]
    assert passing
    wanted = {
        mine.name
        for mine in passing
        if not any(
            other.golden.accuracy >= mine.golden.accuracy and other.golden.energy_joules <= mine.golden.energy_joules
            and (other.golden.accuracy, other.golden.energy_joules) != (mine.golden.accuracy, mine.golden.energy_joules)
            for other in passing if other.golden and mine.golden
        )
    }  # fmt: skip
    assert {trial.user_attrs["name"] for trial in study.best_trials} == wanted


def test_the_same_seed_tries_the_same_points(tmp_path: Path) -> None:
    names = []
    for index, seed in enumerate((3, 3, 4)):
        study, bench, trials = search(tmp_path / str(index), trials=8, space=SPANS, seed=seed)
        names.append([one.name for one in run(study, bench, trials)])
    assert names[0] == names[1] != names[2]


# Stopped searches ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("space", [SPACE, SPANS])
@pytest.mark.parametrize("at", [1, 5])
def test_an_interrupted_search_goes_on_and_nothing_counts_twice(
    tmp_path: Path, space: TrainedSpace, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, bench, trials = search(tmp_path / "out", trials=12, space=space)
    candidate_of, calls = FakeBench.candidate, [0]

    def interrupted(self: FakeBench, point: Any, *, on_progress: Any = None) -> Candidate:
        calls[0] += 1
        if calls[0] == at:
            raise KeyboardInterrupt
        return candidate_of(self, point, on_progress=on_progress)

    monkeypatch.setattr(FakeBench, "candidate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(study, bench, trials)
    assert done(study) == at - 1
    study, bench, again = search(tmp_path / "out", trials=12, space=space)
    assert again == trials
    found = run(study, bench, trials)
    assert len(found) == len({one.name for one in found}) == done(study) == trials
    assert sorted(made(bench)) == sorted(one.name for one in found)
    before = len(study.trials)
    assert run(study, bench, trials) == found  # a search that is done does nothing
    assert len(study.trials) == before


def test_a_killed_trial_is_tried_again(tmp_path: Path) -> None:
    study, bench, trials = search(tmp_path / "out", trials=12, space=SPANS)
    sample(study, bench, 3)  # pyright: ignore[reportArgumentType]
    killed = study.ask()  # as a kill leaves it: running, with parameters, and nobody at it
    killed.suggest_categorical("neuron", ("if",))
    steps, threshold = killed.suggest_int("timesteps", 1, 20), killed.suggest_float("threshold", 0.3, 2.5)
    study, bench, _ = search(tmp_path / "out", trials=12, space=SPANS)
    assert bench.settings.optuna is not None
    assert take_up(study, bench.settings.optuna) == 1
    found = run(study, bench, trials)
    assert len(found) == 12
    fourth = found[3].point.settings
    assert (fourth["timesteps"], fourth["threshold"]) == (steps, float(f"{threshold:.4g}"))


def test_more_trials_go_on_from_those_that_are_done(tmp_path: Path) -> None:
    study, bench, trials = search(tmp_path / "out", trials=5, space=SPANS)
    first = run(study, bench, trials)
    study, bench, trials = search(tmp_path / "out", trials=9, space=SPANS)
    found = run(study, bench, trials)
    assert [one.name for one in found[:5]] == [one.name for one in first]
    assert len(found) == len({one.name for one in found}) == 9


def test_no_more_is_begun_than_is_asked_for(tmp_path: Path) -> None:
    """Another process is at the last trial: this one leaves it to it."""
    study, bench, trials = search(tmp_path / "out", trials=4, space=SPANS)
    other = study.ask()
    found = run(study, bench, trials)
    assert len(found) == 3
    assert (states(study)["RUNNING"], states(study)["FAIL"]) == (1, 1)
    study.tell(other, [0.9, 1.0])
    assert done(study) == 4


def test_one_that_cannot_be_made_is_a_pruned_trial(tmp_path: Path) -> None:
    name = SPACE.points()[0].name
    study, bench, trials = search(tmp_path / "out", failing=(name,))
    found = {one.name: one for one in run(study, bench, trials)}
    assert found[name].failure == "it cannot be"
    trial = next(trial for trial in study.trials if trial.user_attrs["name"] == name)
    assert trial.state.name == "PRUNED" and trial.constraints == {"made": 1.0}


# Values and constraints ----------------------------------------------------------------------------------------


def test_values_are_those_of_the_objectives() -> None:
    one = candidate(shift=0.05)
    assert one.shown is not None
    assert values_of(one, OBJECTIVES) == [0.905, one.shown.worst.reliability_mean, 32.0, 840.0, 4.0]
    assert values_of(one, ("memory", "accuracy")) == [840.0, 0.905]


@given(shift=st.floats(-0.05, 0.05), margin=st.sampled_from([0.0, 0.01]))
def test_reliability_is_feasible_where_it_is_shown(shift: float, margin: float) -> None:
    one = candidate(shift=shift)
    assert one.shown is not None
    value = constraints_of(one, margin)["reliability"]
    assert (value <= 0) == (one.shown.verdict is Verdict.PASS)
    if one.shown.verdict is Verdict.FAIL:
        assert value > 0.0


def test_cheap_gates_are_feasible_where_they_pass() -> None:
    passing = constraints_of(candidate(), 0.0)
    assert passing["alive"] == 0 and passing["accuracy"] < 0 and passing["energy"] < 0 and "reliability" not in passing
    equal = candidate(gates=GateSettings(accuracy_margin=5, energy_share=0.32))
    assert equal.stopped_by is Gate.ENERGY
    assert constraints_of(equal, 0.0)["energy"] > 0  # as much energy is too much, however little it is off
    assert constraints_of(Candidate(point=POINT, failure="x"), 0.0) == {"made": 1.0}
