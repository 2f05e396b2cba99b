"""What earlier versions wrote as plan.json, in the newest format.

1    nodes name their inputs; 2 has edges, which may carry alignments
3    arrays may be packed
4    inputs with their preparation and read-outs, by name; a node says which axis is its channels', and with which
     node it shares its weight
5    the same, of a network in which an input takes ids
"""

from collections.abc import Callable
from typing import Any

NEWEST = 4
WITH_IDS = 5

Raw = dict[str, Any]


def in_newest(raw: Raw) -> Raw:
    """The JSON of a plan file in the newest format; as it is where it is of none, or not what its format says.

    Args:
        raw: what the file holds; it is not changed.
    """
    while isinstance(version := raw.get("format"), int) and version in _STEPS:
        plan, about = raw.get("plan"), raw.get("about")
        made = _STEPS[version](plan, about if isinstance(about, dict) else {}) if isinstance(plan, dict) else plan
        raw = {**raw, "format": version + 1, "plan": made}
    return raw


def in_oldest(raw: Raw) -> Raw:
    """The JSON of a plan file in the newest format, in the oldest of the newest two that can say all of it."""
    inputs = raw["plan"]["inputs"]
    if any(each["ids"] is not None for each in inputs):
        return {**raw, "format": WITH_IDS}
    plain = [{name: value for name, value in each.items() if name != "ids"} for each in inputs]
    return {**raw, "plan": {**raw["plan"], "inputs": plain}}


def _with_edges(plan: Raw, about: Raw) -> Raw:  # noqa: ARG001
    nodes = plan.get("nodes")
    if not isinstance(nodes, list):
        return plan
    return {**plan, "nodes": [_edged(node) for node in nodes]}


def _edged(node: Any) -> Any:
    if not isinstance(node, dict) or not isinstance(node.get("inputs"), list):
        return node
    own = {key: value for key, value in node.items() if key != "inputs"}
    return {**own, "edges": [{"source": name} for name in node["inputs"]]}


def _unchanged(plan: Raw, about: Raw) -> Raw:  # noqa: ARG001
    return plan


def _with_ends(plan: Raw, about: Raw) -> Raw:
    """One input, prepared as the run said beside the plan (a directly trained one did), and the last node read out."""
    nodes = plan.get("nodes")
    last = nodes[-1] if isinstance(nodes, list) and nodes else None
    left = {key: value for key, value in plan.items() if key not in ("encoder", "input_shape")}
    taken = {"name": "input", "preparation": about.get("preparation")}
    for old, new in (("input_shape", "shape"), ("encoder", "encoder")):
        if old in plan:
            taken[new] = plan[old]
    read = [{"name": "output", "node": last.get("name")}] if isinstance(last, dict) else []
    return {**left, "inputs": [taken], "readouts": read}


_STEPS: dict[int, Callable[[Raw, Raw], Raw]] = {1: _with_edges, 2: _unchanged, 3: _with_ends}
