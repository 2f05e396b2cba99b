"""A draft written down as staged nodes: where a value is read by one stage alone, the stage fires right there."""

from typing import Any

from spikewright.ann.ops import Operation, Product
from spikewright.ann.ops.moves import Identity
from spikewright.conversion.stages.draft import Draft, ordered
from spikewright.conversion.stages.staged import Fires, FiringNode, StagedNode


def emit(draft: Draft, fires: dict[str, tuple[str, Fires]]) -> tuple[StagedNode, ...]:
    """The nodes that the outputs need, in order; a single read-out last."""
    live = _live(draft, fires)
    order = [name for name in ordered(draft) if name in live]
    merged = _merges(draft, fires, live)
    nodes: list[StagedNode] = []
    emitted_as = {name: name for name in draft.source.value_shapes}
    for name in order:
        if name in fires:
            if name in emitted_as:
                continue
            root, how = fires[name]
            nodes.append(_stage_node(draft, name, Identity(), (emitted_as[root],), root, (name, how)))
            emitted_as[name] = nodes[-1].name
            continue
        op = draft.op[name]
        inputs = tuple(emitted_as[read] for read in draft.inputs[name])
        if op.passes and name not in draft.outputs and name not in merged and name not in draft.bias:
            emitted_as[name] = inputs[0]
        elif name in merged:
            value = merged[name]
            nodes.append(_stage_node(draft, name, op, inputs, name, (value, fires[value][1])))
            emitted_as[value] = nodes[-1].name
        else:
            nodes.append(_graded_node(draft, name, inputs))
            emitted_as[name] = nodes[-1].name
    if draft.source.named_outputs:
        return tuple(nodes)
    output, last = draft.source.output, nodes[-1]
    if isinstance(last, FiringNode) or emitted_as[output] != last.name:
        bias = draft.constant.get(output)
        label = "readout"
        while label in emitted_as.values():
            label += "_"
        read, shape = (emitted_as[output],), draft.shape[output]
        nodes.append(StagedNode(name=label, op=Identity(), inputs=read, shape=shape, carries=output, bias=bias))
    return tuple(nodes)


def _graded_node(draft: Draft, name: str, inputs: tuple[str, ...]) -> StagedNode:
    op = draft.op[name]
    assert op.in_plan
    return StagedNode(
        name=draft.label[name],
        op=op,
        inputs=inputs,
        shape=draft.shape[name],
        carries=name,
        weight=draft.weight.get(name),
        bias=draft.constant.get(name) if name in draft.outputs else draft.bias.get(name),
        output=draft.outputs.get(name),
        **_stored(draft, name),
    )


def _stage_node(
    draft: Draft, name: str, op: Operation, inputs: tuple[str, ...], root: str, fired: tuple[str, Fires]
) -> FiringNode:
    """The node of that name as a stage; `fired` is the value that it emits, and how."""
    assert op.in_plan
    value, how = fired
    return FiringNode(
        name=draft.label[name],
        op=op,
        inputs=inputs,
        shape=draft.shape[value],
        carries=how.carries,
        weight=draft.weight.get(name),
        bias=draft.constant.get(root),
        fires=how,
        **_stored(draft, name),
    )


def _stored(draft: Draft, name: str) -> dict[str, Any]:
    """Format and gain of a node whose weight is integers; the gain broadcasts to the operation's result."""
    if name not in draft.gain:
        return {}
    op = draft.op[name]
    assert isinstance(op, Product)
    return {"format": draft.format[name], "gain": draft.gain[name].reshape(-1, *(1,) * op.space)}


def _live(draft: Draft, fires: dict[str, tuple[str, Fires]]) -> set[str]:
    """What the outputs need; a stage needs the node it fires from."""
    live, pending = set(draft.source.value_shapes), list(draft.outputs)
    while pending:
        name = pending.pop()
        if name not in live:
            live.add(name)
            pending.extend([fires[name][0]] if name in fires else draft.inputs[name])
    return live


def _merges(draft: Draft, fires: dict[str, tuple[str, Fires]], live: set[str]) -> dict[str, str]:
    """Nodes that nothing but one stage reads: the stage fires right there. Maps the node to the stage's value."""
    wanted: dict[str, list[str]] = {}
    for name in live - set(draft.source.value_shapes):
        for read in [fires[name][0]] if name in fires else draft.inputs[name]:
            wanted.setdefault(read, []).append(name)
    return {
        read: readers[0]
        for read, readers in wanted.items()
        if len(readers) == 1
        and readers[0] in fires
        and read not in fires
        and read in draft.op
        and read not in draft.outputs
        and draft.op[read].linear
    }
