"""Which activation fires, and the max pools that stand before it; any other max pool is computed with numbers."""

from dataclasses import replace

import torch
from torch import Tensor

from spikewright.ann.ops import Activating, Maximum, Operation
from spikewright.ann.ops.arithmetic import Scale
from spikewright.conversion.stages.commuted_pools import commute
from spikewright.conversion.stages.draft import Draft
from spikewright.conversion.stages.relays import firing_behind
from spikewright.conversion.stages.staged import Fires


def is_pool(op: Operation) -> bool:
    """Whether an operation is a max pool, which commutes with a monotone activation."""
    return isinstance(op, Maximum)


def firings(draft: Draft) -> dict[str, tuple[str, Fires]]:
    """For each value that is emitted as spikes: the node whose potential it fires from, and how."""
    found: dict[str, tuple[str, Fires]] = {}
    absorbed: set[str] = set()
    for name, op in list(draft.op.items()):
        if isinstance(op, Activating):
            found[name] = _activation(draft, name, found, absorbed)
        elif is_pool(op):
            _pool(draft, name, found)
    draft.pooled = _stranded(draft, found, absorbed)
    return found


def _activation(draft: Draft, name: str, found: dict[str, tuple[str, Fires]], absorbed: set[str]) -> tuple[str, Fires]:
    """Walk back from an activation over batch norm and constants to a max pool of potentials, if there is one."""
    path = [draft.inputs[name][0]]
    while path[-1] in draft.op and path[-1] not in found and _waits(draft.op[path[-1]]):
        path.append(draft.inputs[path[-1]][0])
    root = path[-1]
    if root not in draft.op or root in found or not is_pool(draft.op[root]):
        return draft.inputs[name][0], Fires(name, name)
    while root in draft.op and root not in found and is_pool(draft.op[root]):
        root = draft.inputs[root][0]
        path.append(root)
    absorbed.update(path[:-1])
    steps: list[tuple[Operation, Tensor | None, Tensor | None]] = []
    for step in reversed(path[:-1]):
        op = draft.op[step]
        if is_pool(op):
            steps.append((op, None, None))  # pyright: ignore[reportArgumentType]
        else:
            gain = draft.weight.get(step, torch.ones((), dtype=torch.float64))
            steps.append((Scale(), gain, draft.own.get(step, torch.zeros((), dtype=torch.float64))))
    return root, Fires(name, name, tuple(steps))


def _pool(draft: Draft, name: str, found: dict[str, tuple[str, Fires]]) -> None:
    """A max pool of spikes fires on its own, from the pooled potential of the stage it reads."""
    read, op = draft.inputs[name][0], draft.op[name]
    joined = draft.inputs[read] if read in draft.op and draft.op[read].joins_channels else (read,)
    if not all(branch in found and not found[branch][1].beyond for branch in joined):
        commute(draft, name, found)
    elif read in found:
        root, fires = firing_behind(draft, read, found)
        found[name] = (root, replace(fires, carries=name, before=(*fires.before, (op, None, None))))  # pyright: ignore[reportArgumentType]
    else:
        branches, start = [], 0
        for index, branch in enumerate(draft.inputs[read]):
            inner = f"{name}.{index}"
            while inner in draft.op:
                inner += "_"
            stop = start + draft.shape[branch][0]
            root, fires = firing_behind(draft, branch, found)
            before = (*fires.before, (op, None, None))
            found[inner] = (root, replace(fires, carries=name, before=before, channels=(start, stop)))  # pyright: ignore[reportArgumentType]
            draft.op[inner], draft.inputs[inner], draft.label[inner] = op, (branch,), inner
            draft.shape[inner] = (stop - start, *draft.shape[name][1:])
            branches.append(inner)
            start = stop
        draft.op[name], draft.inputs[name] = draft.op[read], tuple(branches)


def _waits(op: Operation) -> bool:
    """Whether it may stand between a max pool and its activation: a constant factor, or nothing at all."""
    return op.scales or op.passes


def _stranded(draft: Draft, found: dict[str, tuple[str, Fires]], absorbed: set[str]) -> set[str]:
    """The max pools of values that are not spikes, with no activation before the next map."""
    readers = draft.readers()
    return {
        name
        for name, op in draft.op.items()
        if is_pool(op) and name not in found and (name not in absorbed or _leaks(draft, name, found, readers))
    }


def _leaks(draft: Draft, name: str, found: dict[str, tuple[str, Fires]], readers: dict[str, list[str]]) -> bool:
    """Whether a pooled potential is read by anything but an activation."""
    for reader in readers[name]:
        if isinstance(draft.op[reader], Activating):
            continue
        if reader in found or not (is_pool(draft.op[reader]) or _waits(draft.op[reader])):
            return True
        if not readers[reader] or _leaks(draft, reader, found, readers):
            return True
    return not readers[name]
