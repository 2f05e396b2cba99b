"""Constants of affine chains, gathered into the node that reads them; none gets through what is not linear.

What is not linear reads whole values. So the constant of what it reads is added there, by the node itself where
nobody else reads it, else by an identity in between.
"""

import torch
from torch import Tensor

from spikewright.ann.ops import Activating, Product
from spikewright.ann.ops.layout import compact
from spikewright.ann.ops.moves import Identity
from spikewright.conversion.stages.draft import Draft, ordered
from spikewright.conversion.stages.max_pools import is_pool
from spikewright.conversion.stages.staged import Fires


def gather_constants(draft: Draft, fires: dict[str, tuple[str, Fires]]) -> None:
    """The constant of each linear node: the affine chain before it, applied to zero."""
    for name in ordered(draft):
        op = draft.op[name]
        if name in fires or isinstance(op, Activating) or (is_pool(op) and name not in draft.pooled):
            continue
        if not op.linear:
            draft.inputs[name] = tuple(_whole(draft, fires, read) for read in draft.inputs[name])
            continue
        total = None
        if any(read in draft.constant for read in draft.inputs[name]):
            parts = [_full(draft, read).unsqueeze(0) for read in draft.inputs[name]]
            total = op(parts, _real(draft, name))[0]  # pyright: ignore[reportCallIssue]
        if name in draft.own:
            total = draft.own[name] if total is None else total + draft.own[name]
        if total is not None:
            # an array of its own, as files hold: one number that was spread out has no stride
            draft.constant[name] = compact(total).clone(memory_format=torch.contiguous_format)


def _whole(draft: Draft, fires: dict[str, tuple[str, Fires]], read: str) -> str:
    """The node that hands on a value with its constant."""
    if read not in draft.constant or read in draft.bias:
        return read
    constant, roots = draft.constant[read], {root for root, _ in fires.values()}
    alone = all(_needs_whole(draft, name) for name in draft.readers()[read])
    if alone and read not in fires and read not in roots and read not in draft.outputs:
        draft.bias[read] = constant
        return read
    if read not in draft.whole:
        name = f"{read}.value"
        while name in draft.op:
            name += "_"
        draft.op[name], draft.inputs[name] = Identity(), (read,)
        draft.shape[name], draft.label[name], draft.bias[name] = draft.shape[read], name, constant
        draft.whole[read] = name
    return draft.whole[read]


def _needs_whole(draft: Draft, name: str) -> bool:
    op = draft.op[name]
    return not (op.linear or op.activates or (is_pool(op) and name not in draft.pooled))


def _real(draft: Draft, name: str) -> Tensor | None:
    """A node's weight with its gain in it."""
    weight, op = draft.weight.get(name), draft.op[name]
    if weight is None or name not in draft.gain:
        return weight
    assert isinstance(op, Product)
    return op.scale_outputs(weight, draft.gain[name])


def _full(draft: Draft, name: str) -> Tensor:
    zero = torch.zeros((), dtype=torch.float64)
    return draft.constant.get(name, zero).expand(draft.shape[name])
