"""Batch norm and constant factors, folded into the products before or behind them."""

from torch import Tensor

from spikewright.ann.ops import Product
from spikewright.ann.ops.layout import per_channel
from spikewright.conversion.stages.draft import Draft, ordered
from spikewright.conversion.stages.staged import Fires


def fold_scales(draft: Draft, fires: dict[str, tuple[str, Fires]]) -> None:
    """Fold a per-channel gain into the affine map before it, or after it, where no one else reads between."""
    roots = {root for root, _ in fires.values()}
    for name in ordered(draft):
        if name in draft.op and draft.op[name].scales and name not in fires:
            _ = _fold_back(draft, name, roots) or _fold_forward(draft, name, roots)


def _fold_back(draft: Draft, name: str, roots: set[str]) -> bool:
    """Let the map before the gain take it in, if it can."""
    gain, before = draft.weight[name], draft.inputs[name][0]
    op = draft.op.get(before)
    if op is None or not op.weighted or draft.readers()[before] != [name] or before in roots:
        return False
    if op.scales:
        _merge_back(draft, name, before, draft.weight[before] * gain)
        return True
    channel = per_channel(gain, draft.shape[name])
    if channel is None or not isinstance(op, Product) or not op.channels_first(draft.shape[name]):
        return False
    if before in draft.gain:
        draft.gain[name], draft.format[name] = draft.gain[before] * channel, draft.format[before]
        _merge_back(draft, name, before, draft.weight[before])
    else:
        _merge_back(draft, name, before, op.scale_outputs(draft.weight[before], channel))
    return True


def _fold_forward(draft: Draft, name: str, roots: set[str]) -> bool:
    """Let the one map that reads the gain's result take it in, if it can."""
    readers, before = draft.readers()[name], draft.inputs[name][0]
    if len(readers) != 1 or name in roots:
        return False
    after = readers[0]
    op, channel = draft.op[after], per_channel(draft.weight[name], draft.shape[before])
    if channel is None or after in draft.gain:
        return False
    if not isinstance(op, Product) or not op.channels_first(draft.shape[before]):
        return False
    draft.weight[after] = op.scale_inputs(draft.weight[after], channel)
    draft.inputs[after] = (before,)
    _forget(draft, name)
    return True


def _merge_back(draft: Draft, name: str, before: str, weight: Tensor) -> None:
    """Let the node `name` become the affine map it followed, with a new weight; readers stay as they are."""
    draft.weight[name] = weight
    draft.op[name], draft.inputs[name] = draft.op[before], draft.inputs[before]
    draft.label[name] = draft.label[before]
    _forget(draft, before)


def _forget(draft: Draft, name: str) -> None:
    for of_nodes in (draft.op, draft.inputs, draft.weight, draft.constant, draft.own, draft.format, draft.gain):
        of_nodes.pop(name, None)
