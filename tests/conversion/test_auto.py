"""The search against every network there is: what it chose holds, and nothing that it tried is cheaper and holds."""

import json
from functools import cache

import pytest
import torch
from support.trained import classifier, digits
from torch import Tensor

from spikewright.ann.source import Source
from spikewright.app.runs import acquire
from spikewright.conversion.auto import Auto, Candidate, Choice
from spikewright.conversion.convert import convert
from spikewright.conversion.methods import Method
from spikewright.conversion.methods.exact import Exact
from spikewright.conversion.methods.qac import Qac
from spikewright.conversion.methods.qcfs import Qcfs
from spikewright.engines.network import build
from spikewright.errors import BadData, BadSetting, NoneFound
from spikewright.measure.scoring import score

CALIBRATION = acquire.inputs(digits().train, digits(), limit=100)
JUDGED = acquire.labelled(digits().validation, digits())
MOST = {"exact": 4, "qcfs": 6, "qac": 5}
METHODS: dict[str, type[Exact | Qcfs | Qac]] = {"exact": Exact, "qcfs": Qcfs, "qac": Qac}

Steps = int | tuple[int, ...]


@cache
def chosen(drop: float, samples: int = 2000, levels: tuple[int, ...] = ()) -> Choice:
    auto = Auto(max_accuracy_drop=drop, most_timesteps=MOST, samples=samples)
    return auto.choose(classifier(*levels), CALIBRATION, JUDGED)


@cache
def tried_again(method: str, steps: Steps, levels: tuple[int, ...] = ()) -> tuple[list[bool], float]:
    """Which validation samples a network gets right, by the stepwise engine, and its joules."""
    source = classifier(*levels)
    made: Method = METHODS[method](timesteps=steps)  # pyright: ignore[reportArgumentType]
    blueprint = convert(source, made, CALIBRATION)
    right: list[bool] = []
    for x, labels in JUDGED:
        readout = list(build(blueprint).walk(x))[-1]
        right += (readout.codes.argmax(1) == labels).tolist()
    return right, score(blueprint, source, JUDGED, table="horowitz_int32").energy_joules_snn


def right_of_source(source: Source) -> list[bool]:
    from spikewright.ann import interpreter

    return [bool(hit) for x, labels in JUDGED for hit in interpreter.run(source, x).argmax(1) == labels]


def share(right: list[bool]) -> float:
    return sum(right) / len(right)


def uniform_held(drop: float, levels: tuple[int, ...] = ()) -> dict[str, int | None]:
    """By brute force, the fewest steps of each method with which the drop holds."""
    floor = share(right_of_source(classifier(*levels))) - drop / 100
    return {
        method: next((t for t in range(1, most + 1) if share(tried_again(method, t, levels)[0]) >= floor), None)
        for method, most in MOST.items()
    }


@pytest.mark.parametrize(("drop", "levels"), [(100.0, ()), (4.0, ()), (1.0, ()), (2.0, (5, 3))])
def test_nothing_that_was_tried_is_cheaper_and_holds(drop: float, levels: tuple[int, ...]) -> None:
    found = chosen(drop, levels=levels)
    floor = share(right_of_source(classifier(*levels))) - drop / 100
    assert found.accuracy_source == pytest.approx(floor + drop / 100)
    stored = {}
    for one in found.tried:
        right, joules = tried_again(one.method, one.settings["timesteps"], levels)
        assert one.score.accuracy_snn == share(right)
        assert one.score.energy_joules_snn == pytest.approx(joules, rel=1e-9, abs=0)
        assert one.meets == (share(right) >= floor)
        stored[one.method, one.settings["timesteps"]] = joules if one.meets else float("inf")
    mine = found.chosen.method, found.chosen.settings["timesteps"]
    assert stored[mine] == min(stored.values()) < float("inf")
    assert found.confirmed.accuracy_snn >= floor
    assert found.confirmed.samples == found.chosen.score.samples == len(digits().validation)
    # each method's ladder ends with the first that holds
    for method, steps in uniform_held(drop, levels).items():
        tried = {one.settings["timesteps"] for one in found.tried if one.method == method}
        assert {t for t in tried if isinstance(t, int)} == set(range(1, (steps or MOST[method]) + 1))
        if steps is not None:
            assert stored[method, steps] >= stored[mine]


@pytest.mark.parametrize("drop", [1.0, 4.0])
def test_mixed_timesteps_go_down_until_one_less_would_not_hold_or_not_help(drop: float) -> None:
    found = chosen(drop)
    for method in ("exact", "qac"):
        vectors = {one.settings["timesteps"]: one for one in found.tried if one.method == method}
        start = uniform_held(drop)[method]
        mixed = [steps for steps in vectors if isinstance(steps, tuple)]
        if start is None or start == 1:
            assert mixed == []
            continue
        assert mixed, method
        assert all(max(steps) <= start and min(steps) >= 1 for steps in mixed)
        joules = {steps: one.score.energy_joules_snn for steps, one in vectors.items() if one.meets}
        best = min(joules, key=lambda steps: joules[steps])
        vector = (best,) * 2 if isinstance(best, int) else best
        for layer in range(2):
            lower = tuple(t - (index == layer) for index, t in enumerate(vector))
            if min(lower) >= 1 and lower in vectors:
                assert not vectors[lower].meets or joules[lower] >= joules[best]


def test_what_it_chose_is_what_it_returns() -> None:
    found = chosen(1.0)
    steps = found.chosen.settings["timesteps"]
    right, joules = tried_again(found.chosen.method, steps)
    returned = [hit for x, labels in JUDGED for hit in (build(found.blueprint)(x).argmax(1) == labels).tolist()]
    assert returned == right
    assert found.confirmed.energy_joules_snn == pytest.approx(joules, rel=1e-9, abs=0)
    assert found.exact == (found.chosen.method != "qcfs")
    line = found.line()
    assert line.startswith(f"chose {found.chosen.method}, timesteps ")
    assert f"{found.confirmed.accuracy_snn:.2%} on {len(right)} validation samples" in line
    assert f"among {len(found.tried)} tried" in line
    reported = json.loads(json.dumps(found.to_json()))
    assert reported["chosen"]["method"] == found.chosen.method
    assert len(reported["tried"]) == len(found.tried)
    assert reported["confirmed"]["accuracy_snn"] == found.confirmed.accuracy_snn


def test_learned_timesteps_are_tried_as_they_are() -> None:
    found = chosen(2.0, levels=(5, 3))
    assert ("qac", (5, 3)) in {(one.method, one.settings["timesteps"]) for one in found.tried}


@pytest.mark.parametrize(
    ("samples", "drop", "ranked"),
    [(100, 4.0, 100), (40, 2.0, 136), (1, 2.0, 136)],  # of few samples, what they rank best may hold on no more
)
def test_few_samples_rank_and_all_confirm(samples: int, drop: float, ranked: int) -> None:
    found = chosen(drop, samples=samples)
    assert {one.score.samples for one in found.tried} == {ranked}
    assert found.confirmed.samples == len(digits().validation)
    floor = share(right_of_source(classifier())) - drop / 100
    assert found.confirmed.accuracy_snn >= floor

    def cheaper(one: Candidate) -> bool:
        return one.meets and one.score.energy_joules_snn < found.chosen.score.energy_joules_snn

    for one in filter(cheaper, found.tried):  # passed over, as it does not hold on all
        assert share(tried_again(one.method, one.settings["timesteps"])[0]) < floor


def test_progress_never_runs_past_its_end() -> None:
    reported: list[tuple[str, int, int]] = []
    Auto(max_accuracy_drop=4, most_timesteps=MOST).choose(
        classifier(), CALIBRATION, JUDGED, on_progress=lambda *each: reported.append(each)
    )
    assert [done for _, done, _ in reported] == list(range(1, len(reported) + 1))
    assert all(what == "candidates" and done <= of for what, done, of in reported)


# Refusals ------------------------------------------------------------------------------------------------------


def test_if_nothing_holds_it_says_what_came_nearest() -> None:
    auto = Auto(max_accuracy_drop=0, most_timesteps={"exact": 1, "qcfs": 1, "qac": 1})
    best = max(share(tried_again(method, 1)[0]) for method in MOST)
    assert best < share(right_of_source(classifier()))
    with pytest.raises(NoneFound, match=rf"nothing .* holds a drop of 0 points .*{best:.2%}: allow a larger drop"):
        auto.choose(classifier(), CALIBRATION, JUDGED)


@pytest.mark.parametrize("labelled", [[], [(torch.zeros(0, 1, 8, 8), torch.zeros(0, dtype=torch.int64))]])
def test_without_validation_samples_there_is_nothing_to_hold(labelled: list[tuple[Tensor, Tensor]]) -> None:
    with pytest.raises(BadData, match="no validation samples to judge by: give a data set that is not empty"):
        Auto().choose(classifier(), CALIBRATION, labelled)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"max_accuracy_drop": -0.1}, "max-accuracy-drop must be at least 0 points, got -0.1"),
        ({"max_accuracy_drop": float("nan")}, "max-accuracy-drop must be at least 0 points, got nan"),
        ({"samples": 0}, "samples must be at least 1, got 0"),
        ({"most_timesteps": {}}, "names no method: choose among exact, qac, qcfs"),
        ({"most_timesteps": {"srp": 4}}, "cannot search method 'srp': choose among exact, qac, qcfs"),
        ({"most_timesteps": {"exact": 0}}, "most_timesteps of exact must be at least 1, got 0"),
        ({"energy_table": "free"}, "no energy table named 'free'"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        Auto(**settings)  # pyright: ignore[reportArgumentType]
