"""The outputs of a traced network: what is left out at an end, what cannot be one, and which node each is."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from spikewright.ann.capture.aten.call import Value
from spikewright.ann.capture.ids import Ids
from spikewright.ann.ends import SourceOutput
from spikewright.ann.ops.moves import Identity
from spikewright.ann.source import SourceNode
from spikewright.errors import Obstacle

ReadOut = Callable[[Tensor], Tensor]


def as_it_is(logits: Tensor) -> Tensor:
    """Nothing at all."""
    return logits


def read_out_of(target: str, arguments: Mapping[str, Any]) -> ReadOut | None:
    """What turns logits into probabilities or their logarithms at an end, which changes no ranking of classes, or None.

    That is a sigmoid, or a softmax over classes [N, classes].
    """
    value = arguments.get("self")
    if not isinstance(value, Value):
        return None
    if target != "sigmoid" and (len(value.shape) != 1 or arguments.get("dim") not in (1, -1)):
        return None
    return _READ_OUTS.get(target)


_READ_OUTS: dict[str, ReadOut] = {
    "sigmoid": torch.sigmoid,
    "softmax": partial(torch.softmax, dim=1),
    "_softmax": partial(torch.softmax, dim=1),
    "log_softmax": partial(torch.log_softmax, dim=1),
    "_log_softmax": partial(torch.log_softmax, dim=1),
}


def obstacles_at(names: Sequence[str], results: Sequence[Any], nodes: Sequence[SourceNode], ids: Ids) -> list[Obstacle]:
    """Every output must follow from the inputs, and no input go unread.

    Args:
        names: of the outputs.
        results: a value each; what was refused already is neither a `Value` nor a constant.
        nodes: what was translated.
        ids: the inputs.
    """
    found = []
    for name, value in zip(names, results, strict=True):
        if value is None or isinstance(value, Tensor | int | float):
            what = f"its output {name!r} is not computed from the input"
            found.append(Obstacle("the model", what, "leave it out", ""))
        elif ids.holds(value):
            found.append(Obstacle("the model", f"its output {name!r} is ids as they came in", "leave it out", ""))
    read = {name for node in nodes for name in node.inputs}
    read |= {value.node for value in results if isinstance(value, Value)}
    unread = [name for name in ids.inputs if name not in read]
    if not found and len(ids.inputs) > 1:
        found += [Obstacle("the model", f"its input {name!r} is not read", "leave it out", "") for name in unread]
    return found


def with_ends(
    nodes: Sequence[SourceNode], names: Sequence[str], results: Sequence[Value]
) -> tuple[list[SourceNode], tuple[SourceOutput, ...]]:
    """The nodes that outputs need, and which are outputs: none named where the last node is the only one."""
    needed, save = {result.node for result in results}, list[SourceNode]()
    for node in reversed(nodes):
        if node.name in needed:
            needed.update(node.inputs)
            save.append(node)
    made = save[::-1]
    if len(results) == 1:
        if not made or made[-1].name != results[0].node:
            made.append(_passed_on("output", results[0]))
        return made, ()
    named, of_nodes = [], {node.name for node in made}
    for name, result in zip(names, results, strict=True):
        node = result.node
        if node not in of_nodes:  # an input as it came in
            node = f"output.{name}"
            made.append(_passed_on(node, result))
        named.append(SourceOutput(name=name, node=node))
    return made, tuple(named)


def _passed_on(name: str, value: Value) -> SourceNode:
    return SourceNode(name=name, op=Identity(), inputs=(value.node,), shape=value.shape)
