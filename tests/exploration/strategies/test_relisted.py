"""Lists that change between two runs of a sampled search: what was found is known, and nothing stands in the way."""

import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from exploration.fakes import FakeBench, settings
from spikewright.exploration.request.settings import SampleSettings
from spikewright.exploration.request.space import ConvertedSpace, Span, TrainedSpace
from spikewright.exploration.strategies.relisted import distributions, fits, take_over
from spikewright.exploration.strategies.sampled import collected, done, queue_all, sample
from spikewright.exploration.strategies.study import NAME, existing, opened

SAMPLING = SampleSettings(trials=6, objectives=("accuracy", "energy"))
FIRST = TrainedSpace(timesteps=(2, 4, 8), thresholds=(0.5, 1.0))
SHIFTED = replace(FIRST, timesteps=(4, 8, 16))
RANGE = replace(FIRST, timesteps=Span(low=3, high=12))


def run(out: Path, space: TrainedSpace, sampling: SampleSettings = SAMPLING) -> tuple[optuna.Study, list[str], int]:
    """A search of a space as its verb makes it: its study, what was made anew, and what was taken over."""
    log = out.parent / "log"
    log.unlink(missing_ok=True)
    bench = FakeBench(settings(out, space=space, optuna=sampling), log)
    study = opened(sampling, out, seed=0, fits=partial(fits, space=space))
    others = [other for other in existing(sampling, out) if other.study_name != study.study_name]
    taken = take_over(study, others, space)
    sample(study, bench, queue_all(study, bench, sampling))  # pyright: ignore[reportArgumentType]
    lines = log.read_text().splitlines() if log.is_file() else []
    return study, sorted(line.split()[1] for line in lines if line.startswith("made")), taken


def named(space: TrainedSpace) -> list[str]:
    return sorted(point.name for point in space.points())


def found(study: optuna.Study) -> list[str]:
    return sorted(one.name for one in collected(study))


def test_known_trials_that_still_fit_go_on_to_a_new_study(tmp_path: Path) -> None:
    first, made, taken = run(tmp_path / "out", FIRST)
    assert (made, taken) == (named(FIRST), 0)
    study, made, taken = run(tmp_path / "out", SHIFTED)
    assert study.study_name == "out, lists 2"
    assert taken == 4
    assert made == [name for name in named(SHIFTED) if name.startswith("t16_")]
    assert found(study) == named(SHIFTED)
    # a trial that was taken over is what it was
    before = {trial.user_attrs[NAME]: trial for trial in first.trials}
    for trial in study.trials:
        if trial.user_attrs[NAME] in before:
            old = before[trial.user_attrs[NAME]]
            assert (trial.state, trial.params, trial.user_attrs) == (old.state, old.params, old.user_attrs)
            assert (trial.constraints, trial.values) == (old.constraints, old.values)


def test_back_at_the_first_lists_their_study_goes_on(tmp_path: Path) -> None:
    run(tmp_path / "out", FIRST)
    run(tmp_path / "out", SHIFTED)
    study, made, taken = run(tmp_path / "out", FIRST)
    assert (study.study_name, made, taken) == ("out", [], 0)
    assert found(study) == named(FIRST)
    both = replace(FIRST, timesteps=(2, 4, 8, 16))
    study, made, taken = run(tmp_path / "out", both, replace(SAMPLING, trials=8))
    assert (study.study_name, made, taken) == ("out, lists 3", [], 8)
    assert found(study) == named(both)
    assert [each.study_name for each in existing(SAMPLING, tmp_path / "out")] == ["out, lists 3", "out, lists 2", "out"]


def test_a_list_may_become_a_range_and_a_range_a_narrower_one(tmp_path: Path) -> None:
    run(tmp_path / "out", FIRST)
    study, _, taken = run(tmp_path / "out", RANGE)
    assert taken == 4  # of 4 and 8 timesteps
    assert done(study) == 6
    narrow = replace(FIRST, timesteps=Span(low=3, high=5))
    assert fits(study, narrow)  # Optuna draws from another range in the same study
    study.enqueue_trial({"neuron": "if", "timesteps": 12, "threshold": 0.5, "bits": 8})
    assert fits(study, RANGE) and not fits(study, narrow)  # it would be tried, with a warning


def test_nothing_is_warned_of(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(tmp_path / "out", FIRST)
        run(tmp_path / "out", RANGE)
        run(tmp_path / "out", SHIFTED)


def test_in_a_database_too(tmp_path: Path) -> None:
    stored = replace(SAMPLING, storage=f"sqlite:///{tmp_path / 's.db'}", study="mine")
    run(tmp_path / "out", FIRST, stored)
    study, _, taken = run(tmp_path / "out", SHIFTED, stored)
    assert (study.study_name, taken) == ("mine, lists 2", 4)
    assert found(study) == named(SHIFTED)


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        (
            TrainedSpace(timesteps=Span(low=1, high=9, log=True), thresholds=Span(low=0.5, high=2.0), bits=(4, 8)),
            {
                "neuron": CategoricalDistribution(("if",)),
                "timesteps": IntDistribution(1, 9, log=True),
                "threshold": FloatDistribution(0.5, 2.0),
                "bits": CategoricalDistribution((4, 8)),
            },
        ),
        (
            TrainedSpace(timesteps=(1,), thresholds=(0.5,), neurons=("if", "lif"), leaks=(0.5, 0.9)),
            {
                "neuron": CategoricalDistribution(("if", "lif")),
                "timesteps": CategoricalDistribution((1,)),
                "threshold": CategoricalDistribution((0.5,)),
                "leak": CategoricalDistribution((0.5, 0.9)),
                "bits": CategoricalDistribution((8,)),
            },
        ),
        (
            ConvertedSpace(methods=("exact", "qcfs"), timesteps=(2, 32)),
            {
                "method": CategoricalDistribution(("exact", "qcfs")),
                "timesteps": CategoricalDistribution((2, 32)),
                "timesteps of exact": CategoricalDistribution((2,)),
                "bits": CategoricalDistribution((8,)),
            },
        ),
    ],
)
def test_distributions_are_those_that_trials_are_drawn_from(
    space: TrainedSpace | ConvertedSpace, expected: dict[str, object]
) -> None:
    assert distributions(space) == expected
