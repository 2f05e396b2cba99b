"""Pareto fronts against the definition, pair by pair; figures read and refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from spikewright.app.pages.candidates import Candidate, candidates, front, hardening, renewed
from spikewright.errors import BadData

FEW = some.sampled_from([0.0, 0.25, 0.5, 1.0])  # few values, so that ties come up
MAYBE = some.one_of(some.none(), FEW)
ANY = some.fixed_dictionaries(
    {
        "accuracy": MAYBE,
        "energy_joules": MAYBE,
        "reliability_mean": MAYBE,
        "passes": some.sampled_from([True, False, None]),
    }
)


@given(some.lists(ANY, max_size=7))
def test_the_front_is_what_no_other_one_beats(raw: list[dict[str, Any]]) -> None:
    found = candidates([{"name": str(index), **one} for index, one in enumerate(raw)])
    keys = ("accuracy", "reliability_mean", "energy_joules")
    whole = [one for one in raw if all(one[key] is not None for key in keys)]
    able = [one for one in whole if one["passes"] is not False] or whole
    expected = []
    for index, one in enumerate(raw):
        beaten = False
        for other in able:
            as_good = (
                other["accuracy"] >= (one["accuracy"] or 0)
                and other["reliability_mean"] >= (one["reliability_mean"] or 0)
                and other["energy_joules"] <= (one["energy_joules"] or 0)
            )
            same = all(other[key] == one[key] for key in keys)
            beaten |= as_good and not same
        if one in able and not beaten:
            expected.append(str(index))
    assert [one.name for one in front(found)] == expected


def test_a_candidate_keeps_its_figures_and_a_nameless_one_gets_a_number() -> None:
    raw = {
        "name": "T10", "accuracy": 0.9, "energy_joules": 1e-8, "reliability_mean": 0.8, "reliability_low": 0.7,
        "reliability_high": 0.85, "passes": True,
    }  # fmt: skip
    assert candidates([raw, {"accuracy": 0.5}]) == [
        Candidate(**raw),
        Candidate(
            name="candidate 2", accuracy=0.5, energy_joules=None, reliability_mean=None, reliability_low=None,
            reliability_high=None, passes=None,
        ),
    ]  # fmt: skip


def test_what_was_measured_again_stands() -> None:
    found = candidates([{"name": "a", "accuracy": 0.9}, {"name": "b", "accuracy": 0.8}])
    again = candidates([{"name": "b", "accuracy": 0.8, "reliability_mean": 0.5}])
    assert renewed(found, again) == [found[0], again[0]]


def test_the_trained_network_and_the_verdict() -> None:
    (found,) = candidates([{"accuracy_ann": 0.9, "energy_joules_ann": 1e-7, "verdict": "dead: fc1"}])
    assert (found.beside, found.verdict, found.accuracy) == ((0.9, 1e-7), "dead: fc1", None)
    assert candidates([{"accuracy_ann": 0.9}])[0].beside is None


def test_alternatives() -> None:
    (found,) = hardening(
        [{"name": "ECC", "accuracy_mean": 0.9, "difference": -0.1, "low": -0.2, "high": 0, "extra_bits": 8}]
    )
    assert (found.name, found.difference, found.low, found.high, found.extra_bits) == ("ECC", -0.1, -0.2, 0.0, 8)
    assert hardening([{"difference": 0.1}])[0].name == "alternative 1"


@pytest.mark.parametrize(
    ("read", "raw", "message"),
    [
        (candidates, {"name": "T10", "passes": 1}, "candidate 'T10' has passes 1, neither true nor false"),
        (candidates, {"accuracy": 90}, "candidate 1 has accuracy 90"),
        (candidates, 3, "candidate 1 is a int"),
        (
            hardening,
            {"name": "ECC", "difference": 11.8},
            "alternative 'ECC' has difference 11.8, not a number",
        ),
    ],
)
def test_what_cannot_be_is_refused(read: Any, raw: Any, message: str) -> None:
    with pytest.raises(BadData) as refused:
        read([raw])
    assert str(refused.value).startswith(message)
