"""The charts of a search: places, fronts of two by definition, and what hardening buys."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from spikewright.app.pages.candidates import Candidate, candidates, hardening
from spikewright.app.pages.charts import Chart
from spikewright.app.pages.front_charts import ACCURACY, RELIABILITY, Side, _sides, differences, fronts, joined

HELD: list[dict[str, Any]] = [
    {"name": "a<b>", "accuracy": 0.9, "energy_joules": 2e-8, "reliability_mean": 0.8, "reliability_low": 0.75,
     "reliability_high": 0.9, "passes": True},
    {"name": "worse", "accuracy": 0.85, "energy_joules": 3e-8, "reliability_mean": 0.7, "passes": True},
    {"name": "sparing", "accuracy": 0.88, "energy_joules": 1e-8, "reliability_mean": 0.6, "passes": True},
    {"name": "refused", "accuracy": 0.5, "energy_joules": 5e-9, "passes": False},
]  # fmt: skip


def parts(chart: Chart) -> dict[str, dict[str, Any]]:
    return {trace["name"]: trace for trace in json.loads(json.dumps(chart.values()["content"]))["data"]}


def test_candidates_have_their_places() -> None:
    first, second, third = fronts(candidates(HELD))
    assert [chart.title for chart in (first, second, third)] == [
        "Accuracy and energy",
        "Reliability and energy",
        "Reliability and accuracy",
    ]
    found = parts(first)
    best = found["on the front of all three"]
    assert (best["x"], best["y"]) == (pytest.approx([10, 20]), [0.88, 0.9])
    assert best["text"] == ["sparing", "a&lt;b&gt;"]
    assert (found["passes"]["x"], found["passes"]["y"]) == (pytest.approx([30]), [0.85])
    assert (found["refused by a gate"]["x"], found["refused by a gate"]["y"]) == (pytest.approx([5]), [0.5])
    assert found["best of these two"]["y"] == [0.88, 0.9]
    assert first.values()["content"]["layout"]["xaxis"]["title"]["text"] == "energy per sample (nJ)"
    bars = parts(second)["on the front of all three"]["error_y"]
    assert bars["array"] == pytest.approx([0, 0.1])
    assert bars["arrayminus"] == pytest.approx([0, 0.05])
    assert "refused by a gate" not in parts(second)
    assert "trained network" not in found
    assert parts(third)["passes"]["x"] == [0.85]


def test_the_trained_network_is_a_star_beside_accuracies() -> None:
    made = fronts(candidates([{**one, "accuracy_ann": 0.95, "energy_joules_ann": 1e-7} for one in HELD]))
    star = parts(made[0])["trained network"]
    assert (star["x"], star["y"]) == (pytest.approx([100]), [0.95])
    assert all("trained network" not in parts(chart) for chart in made[1:])


def test_a_figure_that_nobody_has_makes_no_chart() -> None:
    made = fronts(candidates([{"name": "a", "accuracy": 0.9, "energy_joules": 0.0}]))
    assert made == fronts([]) == []


def test_of_candidates_that_are_all_refused_the_front_is_theirs() -> None:
    found = parts(fronts(candidates([{**one, "passes": False} for one in HELD]))[0])
    assert found["on the front of all three"]["y"] == [0.88, 0.9]


@given(some.lists(some.tuples(some.integers(0, 4), some.one_of(some.none(), some.integers(0, 4))), max_size=8))
def test_the_line_joins_what_no_other_one_beats_in_two(raw: list[tuple[int, int | None]]) -> None:
    found = candidates([{"accuracy": a / 4, "reliability_mean": None if r is None else r / 4} for a, r in raw])
    line = joined(found, ACCURACY, RELIABILITY)
    whole = [(a, r) for a, r in raw if r is not None]
    expected = [(a, r) for a, r in whole if not any(b >= a and s >= r and (b, s) != (a, r) for b, s in whole)]
    assert sorted((one.accuracy * 4, (one.reliability_mean or 0) * 4) for one in line) == sorted(expected)
    assert [one.accuracy for one in line] == sorted(one.accuracy for one in line)


def test_names_of_many_are_left_to_the_pointer() -> None:
    many = [Candidate(name=str(k), accuracy=k / 10, energy_joules=k * 1e-9, reliability_mean=0.5, reliability_low=None,
                      reliability_high=None, passes=None) for k in range(1, 9)]  # fmt: skip
    best = parts(fronts(many)[0])["on the front of all three"]
    assert best["mode"] == "markers"
    assert len(best["hovertext"]) == 8


def test_differences_have_their_intervals_in_points() -> None:
    found = hardening([
        {"name": "ECC <1>", "difference": 0.1, "low": 0.05, "high": 0.12},
        {"name": "clip", "difference": -0.01},
    ])  # fmt: skip
    trace = parts(differences(found))["difference"]
    assert trace["x"] == pytest.approx([10, -1])
    assert trace["y"] == ["ECC &lt;1&gt;", "clip"]
    assert trace["error_x"]["array"] == pytest.approx([2, 0])
    assert trace["error_x"]["arrayminus"] == pytest.approx([5, 0])
    assert "+10.00 points (+5.00 to +12.00)" in trace["text"][0]


def test_names_are_written_inwards_from_their_half_of_the_chart() -> None:
    energy = Side("energy", lambda one: one.energy_joules, -1)
    assert _sides([1.0, 5.0, 99.0, 100.0], [1.0, 100.0], energy) == [
        "top right", "bottom right", "top left", "bottom left"
    ]  # fmt: skip
    assert _sides([0.2], [0.2], energy) == ["top right"]
