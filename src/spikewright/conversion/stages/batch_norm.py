"""Batch norm and constant factors, folded into the products before or behind them."""

from torch import Tensor

from spikewright.ann import ops
from spikewright.ann.ops.layout import per_channel, scale_inputs, scale_outputs
from spikewright.conversion.stages.draft import Draft, ordered
from spikewright.conversion.stages.staged import Fires


def fold_scales(draft: Draft, fires: dict[str, tuple[str, Fires]]) -> None:
    """Fold a per-channel gain into the affine map before it, or after it, where no one else reads between."""
    roots = {root for root, _ in fires.values()}
    for name in ordered(draft):
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
