"""Plans that earlier versions wrote."""

from copy import deepcopy
from typing import Any

import pytest

from spikewright.interchange.plan_formats import NEWEST, in_newest

ENCODER = {"kind": "repeat", "timesteps": 4, "warmup": 0}
OP = {"kind": "identity"}
OLD: dict[str, Any] = {
    "format": 1,
    "plan": {
        "encoder": ENCODER,
        "input_shape": [2],
        "nodes": [
            {"name": "a", "op": OP, "inputs": ["input"], "shape": [2]},
            {"name": "out", "op": OP, "inputs": ["a", "input"], "shape": [2]},
        ],
    },
    "about": {"seed": 3},
}
NEW = {
    "format": 4,
    "plan": {
        "inputs": [{"name": "input", "shape": [2], "encoder": ENCODER, "preparation": None}],
        "nodes": [
            {"name": "a", "op": OP, "edges": [{"source": "input"}], "shape": [2]},
            {"name": "out", "op": OP, "edges": [{"source": "a"}, {"source": "input"}], "shape": [2]},
        ],
        "readouts": [{"name": "output", "node": "out"}],
    },
    "about": {"seed": 3},
}


def test_format_1_becomes_the_newest_and_is_not_changed_itself() -> None:
    given = deepcopy(OLD)
    assert in_newest(given) == NEW
    assert given == OLD and NEW["format"] == NEWEST


@pytest.mark.parametrize("version", [2, 3])
def test_later_formats_had_edges(version: int) -> None:
    given = {**OLD, "format": version, "plan": {**OLD["plan"], "nodes": NEW["plan"]["nodes"]}}
    assert in_newest(given) == NEW


def test_what_a_run_said_of_its_preparation_is_its_inputs() -> None:
    preparation = {"mean": [0.5], "std": [1.0], "size": None, "channels": 1}
    found = in_newest({**OLD, "about": {"preparation": preparation}})
    assert found["plan"]["inputs"][0]["preparation"] == preparation


@pytest.mark.parametrize(
    "plan", [None, 3, [], {}, {"nodes": 3}, {"nodes": []}, {"nodes": [3]}, {"nodes": [{"inputs": 3}], "encoder": 2}]
)
@pytest.mark.parametrize("version", [1, 2, 3, 4, 5, 0, "1", None, [1], True])
def test_what_is_no_plan_passes_to_whoever_refuses_it(version: Any, plan: Any) -> None:
    found = in_newest({"format": version, "plan": plan})
    if version in (1, 2, 3, 4) and not isinstance(version, bool):
        assert found["format"] == 4
    elif not isinstance(version, bool):
        assert found == {"format": version, "plan": plan}
