"""How a search came out, in words and as data."""

import json
from dataclasses import replace

from exploration.candidates.test_candidate import POINT, candidate, shown
from exploration.fakes import ANN, golden_of
from spikewright.exploration.candidates.candidate import Candidate
from spikewright.exploration.outcome import OnTest, Outcome, stops

GOOD = candidate(shift=0.05)
BETTER = candidate(replace(POINT, timesteps=2), shift=0.05)
BAD = candidate(replace(POINT, timesteps=8), shift=-0.05)
DEAD = candidate(replace(POINT, threshold=500.0))
UNMADE = Candidate(point=replace(POINT, timesteps=16), failure="it cannot be")


def test_the_chosen_one_has_the_least_energy_of_those_that_pass() -> None:
    outcome = Outcome(candidates=(GOOD, BETTER, BAD, DEAD))
    assert outcome.passing == (GOOD, BETTER)
    assert outcome.chosen == BETTER
    assert outcome.line.startswith(
        "2 of 4 pass; least energy: t2_th1_if_b8, 6.2× less energy than the trained network, accuracy 88.00% (90.00%) "
        "on validation, reliability +"
    )
    stored = json.loads(json.dumps(outcome.to_json(), allow_nan=False))
    assert stored["passing"] == ["t4_th1_if_b8", "t2_th1_if_b8"]
    assert stored["chosen"] == "t2_th1_if_b8"
    assert [one["name"] for one in stored["candidates"]] == [one.name for one in (GOOD, BETTER, BAD, DEAD)]
    assert stored["trained_network"] == [{"bits": 8, "accuracy": 0.9, "energy_joules": 100.0}]
    assert stored["front"] is None and stored["test"] is None


def test_none_that_passes_is_counted_by_what_stopped_it() -> None:
    outcome = Outcome(candidates=(BAD, DEAD, UNMADE, replace(DEAD)))
    assert outcome.chosen is None
    assert outcome.line == (
        "none of 4 passes (1 could not be made, 2 dead, 1 not shown to be as reliable): widen the lists of [space] or "
        "set [widen] rounds, or allow a margin under [gates]"
    )
    assert outcome.to_json()["chosen"] is None
    assert stops([]) == "nothing was tried"


def test_of_a_front_only_what_fresh_maps_confirm_passes() -> None:
    fallen = replace(BETTER, shown=BAD.shown)
    outcome = Outcome(candidates=(GOOD, BETTER, BAD), front=(GOOD, fallen))
    assert outcome.passing == (GOOD,)
    assert outcome.chosen == GOOD
    assert "1 of 3 pass on the front, confirmed with fresh fault maps; least energy: t4_th1_if_b8" in outcome.line
    none = Outcome(candidates=(BETTER,), front=(fallen,))
    assert none.chosen is None
    assert "1 of 1 on the front not confirmed by fresh maps" in none.line
    assert [one["passes"] for one in outcome.to_json()["front"]] == [True, False]


def test_figures_on_the_test_split_are_beside_the_trained_networks() -> None:
    stored = OnTest(name="a", golden=golden_of(POINT), beside=ANN, shown=shown(0.05)).to_json()
    assert json.loads(json.dumps(stored)) == stored
    assert (stored["accuracy"], stored["accuracy_ann"]) == (golden_of(POINT).accuracy, 0.9)
    assert (stored["energy_joules"], stored["energy_joules_ann"]) == (32.0, 100.0)
    assert stored["reliability_low"] < stored["reliability_mean"] < stored["reliability_high"]
