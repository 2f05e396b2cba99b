"""What a captured source network means: each node evaluated by torch's own functions, one after the other.

The activation is passed in as an object, so the same walk serves plain evaluation, the quantised reference,
statistics and training. What an operation computes is in `meaning/`, which shares no code with the engines or `ops`:
it is there to check them. Knows nothing about spikes.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import Tensor

from spikewright.ann.ends import Batch, values_at_start
from spikewright.ann.ops import Activating
from spikewright.ann.ops.rules import gathered
from spikewright.ann.source import Source, SourceNode
from spikewright.errors import BadModel

Activate = Callable[[SourceNode, Tensor, Mapping[str, Tensor]], Tensor]
Watch = Callable[[SourceNode, Tensor], None]


MEANING = gathered("evaluation of a source", "spikewright.ann.meaning")


def as_trained(node: SourceNode, z: Tensor, roles: Mapping[str, Tensor]) -> Tensor:
    """The activation as the source was trained: clipped rounding where it has levels, else a (capped) ReLU."""
    try:
        return MEANING[node.op](node.op, [z], roles, False)
    except BadModel as error:
        raise BadModel(f"activation {node.name!r}: {error}") from None


def unrounded(node: SourceNode, z: Tensor, roles: Mapping[str, Tensor]) -> Tensor:
    """The activation's value without levels."""
    assert isinstance(node.op, Activating)
    return MEANING[node.op](node.op.with_levels(None, 0.0), [z], roles, False)


def run(
    source: Source,
    x: Batch,
    *,
    activate: Activate = as_trained,
    arrays: Mapping[str, Tensor] | None = None,
    training: bool = False,
    watch: Watch | None = None,
) -> Any:
    """Evaluate the network on a batch.

    Args:
        source: the network.
        x: prepared inputs, [N, *input_shape]; several by name.
        activate: called at every activation with (node, pre-activation, its arrays).
        arrays: used in place of the source's own (parameters in training, float64 copies in the reference).
        training: batch norm uses the batch's statistics and updates its running ones.
        watch: called with every node and its value.

    Returns:
        The output, [N, *output_shape]; several as a `Named`.

    Raises:
        BadData: an id that is not in its table.
    """
    found = source.arrays if arrays is None else arrays
    last_use = {name: node.name for node in source.nodes for name in node.inputs}
    last_use |= dict.fromkeys(each.node for each in source.outputs)
    values = values_at_start(source.inputs, x, _dtype(found))
    for node in source.nodes:
        inputs = [values[name] for name in node.inputs]
        roles = {role: found[name] for role, name in node.arrays}
        value = evaluate(node, inputs, roles, activate=activate, training=training)
        if watch is not None:
            watch(node, value)
        values[node.name] = value
        for name in set(node.inputs):
            if last_use[name] == node.name:
                del values[name]
    return source.given_back(values)


def _dtype(arrays: Mapping[str, Tensor]) -> torch.dtype:
    return next((array.dtype for array in arrays.values() if array.is_floating_point()), torch.get_default_dtype())


def values_of(
    source: Source, x: Batch, names: Collection[str], *, arrays: Mapping[str, Tensor] | None = None
) -> dict[str, Tensor]:
    """The values [N, *shape] of some of the nodes, by name; the network and `arrays` as of `run`."""
    found: dict[str, Tensor] = {}

    def watch(node: SourceNode, value: Tensor) -> None:
        if node.name in names:
            found[node.name] = value

    run(source, x, arrays=arrays, watch=watch)
    return found


def evaluate(
    node: SourceNode,
    inputs: list[Tensor],
    roles: Mapping[str, Tensor],
    *,
    activate: Activate = as_trained,
    training: bool = False,
) -> Tensor:
    """The value of one node.

    Raises:
        UnsupportedModule: an operation without a meaning here.
    """
    if node.op.activates:
        return activate(node, inputs[0], roles)
    return MEANING[node.op](node.op, inputs, roles, training)
