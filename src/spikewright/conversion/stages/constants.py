"""Constants of affine chains, gathered into the node that reads them."""

import torch
from torch import Tensor

from spikewright.ann.ops import Activating, Product
from spikewright.ann.ops.layout import compact
from spikewright.conversion.stages.draft import Draft, ordered
from spikewright.conversion.stages.max_pools import is_pool
from spikewright.conversion.stages.staged import Fires


def gather_constants(draft: Draft, fires: dict[str, tuple[str, Fires]]) -> None:
    """The constant of each linear node: the affine chain before it, applied to zero."""
    for name in ordered(draft):
        op = draft.op[name]
        if name in fires or isinstance(op, Activating) or is_pool(op):
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
    assert isinstance(op, Product)
    return op.scale_outputs(weight, draft.gain[name])


def _full(draft: Draft, name: str) -> Tensor:
    zero = torch.zeros((), dtype=torch.float64)
    return draft.constant.get(name, zero).expand(draft.shape[name])
