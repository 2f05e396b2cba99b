"""The JSON of a plan file as earlier versions wrote it."""

from typing import Any


def as_format(content: dict[str, Any], version: int) -> None:
    """Change what a plan.json of the newest format holds into that of an earlier one, 1 to 3."""
    content["format"] = version
    plan = content["plan"]
    (taken,) = plan.pop("inputs")
    del plan["readouts"]
    plan |= {"encoder": taken["encoder"], "input_shape": taken["shape"]}
    if taken["preparation"] is not None:
        content["about"]["preparation"] = taken["preparation"]
    if version < 3:
        content.pop("packed", None)
    for node in plan["nodes"]:
        del node["axis"], node["shares"]
        if version < 3:
            node.pop("weights", None)
        if version == 1:
            node["inputs"] = [edge["source"] for edge in node.pop("edges")]
