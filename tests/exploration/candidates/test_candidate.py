"""What is said of a candidate, at every stage that it may come to."""

import json
from dataclasses import replace

import numpy as np
from pydantic import TypeAdapter

from exploration.fakes import ANN, golden_of
from spikewright.exploration.candidates.candidate import Candidate, cheapest
from spikewright.exploration.figures.under_faults import FaultyAccuracies
from spikewright.exploration.gates.cheap import Gate, cheap
from spikewright.exploration.gates.reliability import Plan, Shown, show
from spikewright.exploration.request.points import Converted, Trained
from spikewright.exploration.request.settings import GateSettings
from spikewright.measure.statistics.decisions import WAYS, Verdict

POINT = Trained(timesteps=4, threshold=1.0, bits=8)
GATES = GateSettings(accuracy_margin=5)
PLAN = Plan(rates=(0.01, 0.1), margin=0.0, way=WAYS["normal"], alpha=0.05, maps=100, cap=128)


def candidate(point: Trained = POINT, *, shift: float | None = None, gates: GateSettings = GATES) -> Candidate:
    found = golden_of(point)
    stored = Candidate(point=point, folder=point.name, golden=found, beside=ANN, cheap=cheap(found, ANN, gates))
    return stored if shift is None else replace(stored, shown=shown(shift))


def shown(shift: float) -> Shown:
    ann = np.random.default_rng(0).normal(0.7, 0.02, 128)
    extra = np.random.default_rng(1).normal(shift, 0.02, 128)
    pairs = {ber: (FaultyAccuracies(0.9, ann + extra - ber / 10), FaultyAccuracies(0.9, ann)) for ber in PLAN.rates}
    return show(["a"], lambda _, ber, __: pairs[ber], PLAN)["a"]


def test_each_stage_has_its_words() -> None:
    unmade = Candidate(point=POINT, failure="the loss is not finite")
    dead = candidate(replace(POINT, threshold=500.0))
    inaccurate = candidate(replace(POINT, timesteps=2), gates=GateSettings())
    dear = candidate(gates=GateSettings(accuracy_margin=5, energy_share=0.1))
    open_, good, bad, unclear = candidate(), candidate(shift=0.05), candidate(shift=-0.05), candidate(shift=0.01)
    stages = [unmade, dead, inaccurate, dear, open_, good, bad, unclear]
    assert [one.stopped_by for one in stages] == [
        Gate.MADE, Gate.ALIVE, Gate.ACCURACY, Gate.ENERGY, None, None, Gate.RELIABILITY, Gate.RELIABILITY,
    ]  # fmt: skip
    assert [one.passes for one in stages] == [False] * 5 + [True] + [False] * 2
    assert [one.verdict for one in stages] == [
        "not made", "dead: fc1", "fails on accuracy", "fails on energy", "open", "passes", "fails on reliability",
        "reliability not shown",
    ]  # fmt: skip
    assert unmade.why == "the loss is not finite"
    assert dead.why == "dead: no spike from fc1"
    assert inaccurate.why == "accuracy 88.00%, trained network 90.00%"
    assert dear.why == "energy 0.32 of the trained network's"
    assert open_.why == "reliability not asked"
    assert bad.why.startswith("reliability -")
    assert unclear.shown is not None
    assert unclear.shown.verdict is Verdict.UNDECIDED


def test_its_json_holds_its_figures() -> None:
    stored = json.loads(json.dumps(candidate(shift=0.05).to_json(), allow_nan=False))
    found = golden_of(POINT)
    assert stored["name"] == "t4_th1_if_b8"
    assert stored["settings"] == {"timesteps": 4, "threshold": 1.0, "bits": 8, "neuron": "if", "leak": None}
    assert (stored["accuracy"], stored["accuracy_ann"]) == (found.accuracy, 0.9)
    assert stored["energy_ratio"] == 100 / found.energy_joules
    assert stored["passes"] is True and stored["stopped_by"] is None
    worst = stored["reliability"]["rates"][1]
    assert worst["ber"] == 0.1
    assert (
        stored["reliability_mean"] == worst["reliability_mean"] < stored["reliability"]["rates"][0]["reliability_mean"]
    )
    assert stored["memory_bytes"] == 840
    unmade = json.loads(json.dumps(Candidate(point=POINT, failure="it cannot be").to_json()))
    assert unmade["accuracy"] is None and unmade["reliability"] is None and unmade["why"] == "it cannot be"


def test_it_is_the_same_after_a_trip_through_json() -> None:
    kind = TypeAdapter(Candidate)
    converted = Candidate(point=Converted(method="exact", timesteps=3, bits=8), failure="x")
    for one in (candidate(shift=0.05), candidate(), converted, candidate(replace(POINT, neuron="lif", leak=0.5))):
        assert kind.validate_json(kind.dump_json(one)) == one


def test_the_cheapest_is_of_those_that_pass() -> None:
    cheap_, dear, silent = (replace(POINT, timesteps=steps) for steps in (2, 8, 1))
    stored = [candidate(dear, shift=0.05), candidate(cheap_, shift=0.05), candidate(silent, shift=-0.05)]
    found = cheapest(stored)
    assert found is not None and found.point == cheap_
    assert cheapest([stored[2]]) is None
    assert cheapest([]) is None
