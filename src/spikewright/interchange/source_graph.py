"""Whether the graph of a source that was read can be evaluated: shapes are worked out without a number computed."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.ops import Product
from spikewright.ann.source import INPUT, Source, SourceNode
from spikewright.errors import BadFile, BadPlan
from spikewright.snn.limits import require_shape

LARGEST = torch.finfo(torch.float32).max


def require_graph(path: Path, source: Source) -> None:
    """Run the graph on tensors without data: every value must have the shape that is stated for it.

    Raises:
        BadFile: a shape that nothing can have, a node that reads what is not there, or one that cannot be evaluated.
    """
    if not source.nodes:
        raise BadFile(f"{path} holds no nodes: make the run again")
    _require_shape(path, "the input", source.input_shape)
    meta = {name: array.to("meta") for name, array in source.arrays.items()}
    shapes = {INPUT: torch.empty(2, *source.input_shape, device="meta")}
    for node in source.nodes:
        _require_shape(path, f"node {node.name!r}", node.shape)
        if node.name in shapes or not node.inputs or not set(node.inputs) <= set(shapes):
            raise BadFile(f"{path}: node {node.name!r} is named twice or reads what no earlier node makes")
        if len(node.inputs) > 1 and not (node.op.adds or node.op.joins):
            raise BadFile(f"{path}: node {node.name!r} reads {len(node.inputs)} values, its operation takes one")
        try:
            roles = {role: meta[name] for role, name in node.arrays}
            value = _evaluated(node, [shapes[name] for name in node.inputs], roles)
        except _NOT_EVALUATED as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise BadFile(f"{path}: node {node.name!r} cannot be evaluated ({reason}): make the run again") from None
        if tuple(value.shape) != (2, *node.shape):
            raise BadFile(f"{path}: node {node.name!r} makes {tuple(value.shape[1:])}, not {node.shape} as stated")
        shapes[node.name] = value


_NOT_EVALUATED = (RuntimeError, LookupError, ValueError, TypeError, ArithmeticError, MemoryError)


def _require_shape(path: Path, where: str, shape: tuple[int, ...]) -> None:
    try:
        require_shape(where, shape)
    except BadPlan as reason:
        raise BadFile(f"{path}: {reason}: make the run again") from None


def _evaluated(node: SourceNode, inputs: list[Tensor], roles: Mapping[str, Tensor]) -> Tensor:
    """The node's value, with what torch does not look at where there are no numbers.

    Raises:
        ValueError: numbers beyond float32, or channels that the weight does not take.
    """
    _require_numbers(node.op)
    if isinstance(node.op, Product):
        taken, given = node.op.in_channels(roles["weight"]), inputs[0].shape[1 if node.op.space else -1]
        if taken != given:
            raise ValueError(f"its weight takes {taken} channels, and {given} come")
    return interpreter.evaluate(node, inputs, roles)


def _require_numbers(op: Any) -> None:
    assert is_dataclass(op)
    for field in fields(op):
        value = getattr(op, field.name)
        if isinstance(value, float) and not abs(value) <= LARGEST:
            raise ValueError(f"{field.name} is {value:g}, beyond what float32 holds")
