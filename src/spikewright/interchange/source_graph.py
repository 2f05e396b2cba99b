"""Whether the graph of a source that was read can be evaluated: shapes are worked out on no samples."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.ops import Shape
from spikewright.ann.shapes import require_channels, shape_made, stand_in
from spikewright.ann.source import INPUT, Source, SourceNode
from spikewright.errors import BadFile, BadPlan
from spikewright.snn.limits import require_shape

LARGEST = torch.finfo(torch.float32).max


def require_graph(path: Path, source: Source) -> None:
    """Run the graph on no samples: every value must have the shape that is stated for it.

    Raises:
        BadFile: a shape that nothing can have, a node that reads what is not there, or one that cannot be evaluated.
    """
    if not source.nodes:
        raise BadFile(f"{path} holds no nodes: make the run again")
    names = [each.name for each in source.inputs]
    if not names or len(set(names)) < len(names) or (len(names) == 1 and names != [INPUT]):
        raise BadFile(f"{path}: its inputs need names of their own, and a single one is {INPUT!r}: make the run again")
    for each in source.inputs:
        which = "the input" if len(names) == 1 else f"input {each.name!r}"
        _require_shape(path, which, each.value_shape)
    shapes: dict[str, Shape] = dict(source.value_shapes)
    for node in source.nodes:
        _require_shape(path, f"node {node.name!r}", node.shape)
        if node.name in shapes or not node.inputs or not set(node.inputs) <= set(shapes):
            raise BadFile(f"{path}: node {node.name!r} is named twice or reads what no earlier node makes")
        if not node.op.takes(len(node.inputs)):
            takes = "one" if node.op.operands == 1 else str(node.op.operands)
            raise BadFile(f"{path}: node {node.name!r} reads {len(node.inputs)} values, its operation takes {takes}")
        try:
            roles = {role: source.arrays[name] for role, name in node.arrays}
            made = _shape_made(node, [shapes[name] for name in node.inputs], roles)
        except _NOT_EVALUATED as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise BadFile(f"{path}: node {node.name!r} cannot be evaluated ({reason}): make the run again") from None
        if made != node.shape:
            raise BadFile(f"{path}: node {node.name!r} makes {made}, not {node.shape} as stated")
        shapes[node.name] = made
    outputs = [each.name for each in source.outputs]
    lost = next((each for each in source.outputs if each.node not in shapes or each.node in names), None)
    if lost is not None or len(set(outputs)) < len(outputs):
        what = "two outputs have one name" if lost is None else f"output {lost.name!r} is of no node"
        raise BadFile(f"{path}: {what}: make the run again")


_NOT_EVALUATED = (RuntimeError, LookupError, ValueError, TypeError, ArithmeticError, MemoryError)


def _require_shape(path: Path, where: str, shape: tuple[int, ...]) -> None:
    try:
        require_shape(where, shape)
    except BadPlan as reason:
        raise BadFile(f"{path}: {reason}: make the run again") from None


def _shape_made(node: SourceNode, given: list[Shape], roles: Mapping[str, Tensor]) -> Shape:
    """The shape of the node's value, with what torch does not look at where there are no numbers.

    Raises:
        ValueError: numbers beyond float32, or channels that the weight does not take.
    """
    _require_numbers(node.op)
    require_channels(node.op, given[0], roles.get("weight"))
    if node.op.normalises:
        for role, array in roles.items():  # without samples torch takes any
            if tuple(array.shape) != given[0][:1]:
                raise ValueError(f"its {role} has shape {tuple(array.shape)}, and {given[0][:1]} channels come")
    stand_ins = {role: stand_in(array) for role, array in roles.items()}
    return shape_made(node.op, given, partial(interpreter.evaluate, node, roles=stand_ins))


def _require_numbers(op: Any) -> None:
    assert is_dataclass(op)
    for field in fields(op):
        value = getattr(op, field.name)
        if isinstance(value, float) and not abs(value) <= LARGEST:
            raise ValueError(f"{field.name} is {value:g}, beyond what float32 holds")
