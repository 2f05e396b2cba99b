"""From a source network to stages: batch norm folded where legal, constants gathered, max pools put before firing.

A source computes value = activation(affine(...)); a stage accumulates the linear part of the affine map,
adds one constant, and fires. Constants (biases, batch-norm shifts, offsets of clipped activations) pass
through the affine maps between them exactly, as maps over the output where padding makes them uneven. So
nothing is ever folded through padding, and a batch norm before a padded convolution is right at the border.

Max pooling commutes with a monotone activation, max(act(z)) = act(max(z)), so it is done on the accumulated
potential; nothing is folded across it. Knows nothing about codes, thresholds or timesteps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from spikewright.ann import ops
from spikewright.ann import source as src
from spikewright.ann.ops.layout import compact, per_channel, scale_inputs, scale_outputs
from spikewright.ann.source import INPUT, Source
from spikewright.conversion.stages.draft import Draft, load
from spikewright.errors import Obstacle, UnsupportedModule
from spikewright.snn.formats.stored import Stored
from spikewright.snn.plan import AnyFormat, BeforeFiring


@dataclass(frozen=True, slots=True)
class Fires:
    """What a stage fires as: its activation, the source node its codes stand for, and the steps before firing."""

    activation: str
    carries: str
    before: tuple[tuple[BeforeFiring, Tensor | None, Tensor | None], ...] = ()  # (op, gain, bias)
    channels: tuple[int, int] | None = None  # the part of `carries`, where it is not the whole


@dataclass(frozen=True, slots=True)
class StagedNode:
    """A linear operation, its folded weight, and, for a stage or the read-out, the constant part of its value.

    Where `format` is given the weight is its integers, and `gain` the factor on what the operation makes of them,
    one number per output channel, broadcastable to [*shape].
    """

    name: str
    op: ops.Op
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    carries: str
    weight: Tensor | None = None
    bias: Tensor | None = None
    fires: Fires | None = None
    format: AnyFormat | None = None
    gain: Tensor | None = None


def stage(source: Source, stored: Mapping[str, Stored] | None = None) -> tuple[StagedNode, ...]:
    """Arrange a source network as linear nodes and firing stages, the read-out last.

    `stored` gives nodes of the source weights of integers in place of their own: they are kept as they are, and
    what would be folded into them stands beside them as a gain.

    Raises:
        UnsupportedModule: a max pool reads values that are not spikes and is not followed by an activation
            before the next affine map; every such pool is listed.
    """
    draft = load(source, stored or {})
    fires = _firings(draft)
    _gather_constants(draft, fires)
    _fold_scales(draft, fires)
    return _emit(draft, fires)


# Firing stages and max pools -----------------------------------------------------------------------------


def _is_pool(op: src.SourceOp) -> bool:
    return isinstance(op, ops.MaxPool | ops.AdaptiveMaxPool)


def _firings(draft: Draft) -> dict[str, tuple[str, Fires]]:
    """For each value that is emitted as spikes: the node whose potential it fires from, and how."""
    found: dict[str, tuple[str, Fires]] = {}
    absorbed: set[str] = set()
    for name, op in list(draft.op.items()):
        if isinstance(op, src.Activation):
            found[name] = _activation(draft, name, found, absorbed)
        elif _is_pool(op):
            _pool(draft, name, found)
    _refuse_stranded(draft, found, absorbed)
    return found


def _activation(draft: Draft, name: str, found: dict[str, tuple[str, Fires]], absorbed: set[str]) -> tuple[str, Fires]:
    """Walk back from an activation over batch norm and constants to a max pool of potentials, if there is one."""
    path = [draft.inputs[name][0]]
    while path[-1] in draft.op and path[-1] not in found and isinstance(draft.op[path[-1]], ops.Scale | ops.Identity):
        path.append(draft.inputs[path[-1]][0])
    root = path[-1]
    if root not in draft.op or root in found or not _is_pool(draft.op[root]):
        return draft.inputs[name][0], Fires(name, name)
    while root in draft.op and root not in found and _is_pool(draft.op[root]):
        root = draft.inputs[root][0]
        path.append(root)
    absorbed.update(path[:-1])
    steps: list[tuple[BeforeFiring, Tensor | None, Tensor | None]] = []
    for step in reversed(path[:-1]):
        op = draft.op[step]
        if _is_pool(op):
            steps.append((op, None, None))  # pyright: ignore[reportArgumentType]
        else:
            gain = draft.weight.get(step, torch.ones((), dtype=torch.float64))
            steps.append((ops.Scale(), gain, draft.own.get(step, torch.zeros((), dtype=torch.float64))))
    return root, Fires(name, name, tuple(steps))


def _pool(draft: Draft, name: str, found: dict[str, tuple[str, Fires]]) -> None:
    """A max pool of spikes fires on its own, from the pooled potential of the stage it reads."""
    read, op = draft.inputs[name][0], draft.op[name]
    if read in found:
        root, fires = found[read]
        found[name] = (root, replace(fires, carries=name, before=(*fires.before, (op, None, None))))  # pyright: ignore[reportArgumentType]
    elif isinstance(draft.op.get(read), ops.Concat) and draft.op[read].dim == 1:  # pyright: ignore
        if not all(branch in found for branch in draft.inputs[read]):
            return
        branches, start = [], 0
        for index, branch in enumerate(draft.inputs[read]):
            inner = f"{name}.{index}"
            while inner in draft.op:
                inner += "_"
            root, fires = found[branch]
            stop = start + draft.shape[branch][0]
            before = (*fires.before, (op, None, None))
            found[inner] = (root, replace(fires, carries=name, before=before, channels=(start, stop)))  # pyright: ignore[reportArgumentType]
            draft.op[inner], draft.inputs[inner], draft.label[inner] = op, (branch,), inner
            draft.shape[inner] = (stop - start, *draft.shape[name][1:])
            branches.append(inner)
            start = stop
        draft.op[name], draft.inputs[name] = draft.op[read], tuple(branches)


def _refuse_stranded(draft: Draft, found: dict[str, tuple[str, Fires]], absorbed: set[str]) -> None:
    readers = draft.readers()
    stranded = [
        name
        for name, op in draft.op.items()
        if _is_pool(op) and name not in found and (name not in absorbed or _leaks(draft, name, found, readers))
    ]
    if stranded:
        what = "a max pool of values that are not spikes, with no activation before the next affine map"
        way_out = "put an activation (nn.ReLU) before it, or use average pooling"
        raise UnsupportedModule(obstacles=[Obstacle(name, what, way_out, "") for name in stranded])


def _leaks(draft: Draft, name: str, found: dict[str, tuple[str, Fires]], readers: dict[str, list[str]]) -> bool:
    """Whether a pooled potential is read by anything but an activation."""
    for reader in readers[name]:
        if isinstance(draft.op[reader], src.Activation):
            continue
        if reader in found or not (
            _is_pool(draft.op[reader]) or isinstance(draft.op[reader], ops.Scale | ops.Identity)
        ):
            return True
        if not readers[reader] or _leaks(draft, reader, found, readers):
            return True
    return not readers[name]


# Constants and folding -----------------------------------------------------------------------------------


def _gather_constants(draft: Draft, fires: dict[str, tuple[str, Fires]]) -> None:
    """The constant of each linear node: the affine chain before it, applied to zero."""
    for name in _ordered(draft):
        op = draft.op[name]
        if name in fires or isinstance(op, src.Activation) or _is_pool(op):
            continue
        total = None
        if any(read in draft.constant for read in draft.inputs[name]):
            parts = [_full(draft, read).unsqueeze(0) for read in draft.inputs[name]]
            total = op(parts, _real(draft, name))[0]  # pyright: ignore[reportCallIssue]
        if name in draft.own:
            total = draft.own[name] if total is None else total + draft.own[name]
        if total is not None:
            draft.constant[name] = compact(total)


def _real(draft: Draft, name: str) -> Tensor | None:
    """A node's weight with its gain in it."""
    weight, op = draft.weight.get(name), draft.op[name]
    if weight is None or name not in draft.gain:
        return weight
    assert isinstance(op, ops.Linear | ops.Conv)
    return scale_outputs(op, weight, draft.gain[name])


def _full(draft: Draft, name: str) -> Tensor:
    zero = torch.zeros((), dtype=torch.float64)
    return draft.constant.get(name, zero).expand(draft.shape[name])


def _ordered(draft: Draft) -> list[str]:
    """The names in an order in which every node follows what it reads."""
    order: list[str] = []
    seen = {INPUT}

    def visit(name: str) -> None:
        pending = [name]
        while pending:
            top = pending[-1]
            missing = [read for read in draft.inputs[top] if read not in seen]
            if missing:
                pending.extend(missing)
                continue
            pending.pop()
            if top not in seen:
                seen.add(top)
                order.append(top)

    for name in draft.op:
        visit(name)
    return order


def _fold_scales(draft: Draft, fires: dict[str, tuple[str, Fires]]) -> None:
    """Fold a per-channel gain into the affine map before it, or after it, where no one else reads between."""
    roots = {root for root, _ in fires.values()}
    for name in _ordered(draft):
        if not isinstance(draft.op.get(name), ops.Scale) or name in fires:
            continue
        readers = draft.readers()
        gain = draft.weight[name]
        before = draft.inputs[name][0]
        op = draft.op.get(before)
        if isinstance(op, ops.Linear | ops.Conv | ops.Scale) and readers[before] == [name] and before not in roots:
            channel = per_channel(gain, draft.shape[name])
            if isinstance(op, ops.Scale):
                _merge_back(draft, name, before, draft.weight[before] * gain)
                continue
            if channel is not None and (isinstance(op, ops.Conv) or len(draft.shape[name]) == 1):
                if before in draft.gain:
                    draft.gain[name], draft.format[name] = draft.gain[before] * channel, draft.format[before]
                    _merge_back(draft, name, before, draft.weight[before])
                    continue
                _merge_back(draft, name, before, scale_outputs(op, draft.weight[before], channel))
                continue
        if len(readers[name]) == 1 and name not in roots:
            after = readers[name][0]
            op = draft.op[after]
            channel = per_channel(gain, draft.shape[before])
            fits = isinstance(op, ops.Conv) or (isinstance(op, ops.Linear) and len(draft.shape[before]) == 1)
            if fits and channel is not None and after not in draft.gain:
                draft.weight[after] = scale_inputs(op, draft.weight[after], channel)  # pyright: ignore[reportArgumentType]
                draft.inputs[after] = (before,)
                _forget(draft, name)


def _merge_back(draft: Draft, name: str, before: str, weight: Tensor) -> None:
    """Let the node `name` become the affine map it followed, with a new weight; readers stay as they are."""
    draft.weight[name] = weight
    draft.op[name], draft.inputs[name] = draft.op[before], draft.inputs[before]
    draft.label[name] = draft.label[before]
    _forget(draft, before)


def _forget(draft: Draft, name: str) -> None:
    for held in (draft.op, draft.inputs, draft.weight, draft.constant, draft.own, draft.format, draft.gain):
        held.pop(name, None)


# Emission ------------------------------------------------------------------------------------------------


def _emit(draft: Draft, fires: dict[str, tuple[str, Fires]]) -> tuple[StagedNode, ...]:
    output = draft.source.output
    live = _live(draft, fires, output)
    order = [name for name in _ordered(draft) if name in live]
    merged = _merges(draft, fires, live, output)
    nodes: list[StagedNode] = []
    emitted_as = {INPUT: INPUT}
    for name in order:
        if name in fires:
            if name in emitted_as:
                continue
            root, how = fires[name]
            nodes.append(_stage_node(draft, name, ops.Identity(), (emitted_as[root],), root, how))
            emitted_as[name] = nodes[-1].name
            continue
        op = draft.op[name]
        inputs = tuple(emitted_as[read] for read in draft.inputs[name])
        if isinstance(op, ops.Identity) and name != output and name not in merged:
            emitted_as[name] = inputs[0]
        elif name in merged:
            value = merged[name]
            nodes.append(_stage_node(draft, name, op, inputs, name, fires[value][1]))
            emitted_as[value] = nodes[-1].name
        else:
            assert not isinstance(op, src.Activation | src.BatchNorm | src.Offset)
            bias = draft.constant.get(name) if name == output else None
            label, weight = draft.label[name], draft.weight.get(name)
            held = {"weight": weight, "bias": bias, **_stored(draft, name)}
            nodes.append(StagedNode(label, op, inputs, draft.shape[name], name, **held))
            emitted_as[name] = label
    last = nodes[-1]
    if last.fires is not None or emitted_as[output] != last.name:
        bias = draft.constant.get(output)
        label = "readout"
        while label in emitted_as.values():
            label += "_"
        nodes.append(StagedNode(label, ops.Identity(), (emitted_as[output],), draft.shape[output], output, bias=bias))
    return tuple(nodes)


def _stage_node(
    draft: Draft, name: str, op: src.SourceOp, inputs: tuple[str, ...], root: str, how: Fires
) -> StagedNode:
    assert not isinstance(op, src.Activation | src.BatchNorm | src.Offset)
    emitted = draft.shape[how.carries]
    if how.channels is not None:
        emitted = (how.channels[1] - how.channels[0], *emitted[1:])
    return StagedNode(
        draft.label[name],
        op,
        inputs,
        emitted,
        how.carries,
        weight=draft.weight.get(name),
        bias=draft.constant.get(root),
        fires=how,
        **_stored(draft, name),
    )


def _stored(draft: Draft, name: str) -> dict[str, Any]:
    """Format and gain of a node whose weight is integers; the gain broadcasts to the operation's result."""
    if name not in draft.gain:
        return {}
    spatial = len(draft.op[name].stride) if isinstance(draft.op[name], ops.Conv) else 0  # pyright: ignore
    return {"format": draft.format[name], "gain": draft.gain[name].reshape(-1, *(1,) * spatial)}


def _live(draft: Draft, fires: dict[str, tuple[str, Fires]], output: str) -> set[str]:
    """What the output needs; a stage needs the node it fires from."""
    live, pending = {INPUT}, [output]
    while pending:
        name = pending.pop()
        if name not in live:
            live.add(name)
            pending.extend([fires[name][0]] if name in fires else draft.inputs[name])
    return live


def _merges(draft: Draft, fires: dict[str, tuple[str, Fires]], live: set[str], output: str) -> dict[str, str]:
    """Nodes that nothing but one stage reads: the stage fires right there. Maps the node to the stage's value."""
    wanted: dict[str, list[str]] = {}
    for name in live - {INPUT}:
        for read in [fires[name][0]] if name in fires else draft.inputs[name]:
            wanted.setdefault(read, []).append(name)
    return {
        read: readers[0]
        for read, readers in wanted.items()
        if len(readers) == 1 and readers[0] in fires and read not in fires and read in draft.op and read != output
    }
