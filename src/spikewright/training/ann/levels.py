"""Give a network levels: each ReLU becomes the clipped rounding a = θ·⌊L·clip(z/θ, 0, 1) + ½⌋/L.

θ starts at a percentile of what the activation shows on training images, not at a constant: a threshold far
above wastes codes, and one far below clips what the network has learned.

Source: "When SNN meets ANN", appendix A.10 (replace ReLU and fine-tune). Differs: one start for trained and
for random weights (there batch norm normalises by each batch, so that the percentile has a meaning).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.ops import Activating
from spikewright.ann.source import Source, SourceNode
from spikewright.errors import BadSetting
from spikewright.training.ann.trainable import THRESHOLD_FLOOR, TrainableSource

MOST_LEVELS = 2**16 - 1
SILENT = 1.0  # threshold of a stage that never fires on the images seen: it may wake up in training
SAMPLED = 200_000  # values a batch and stage of which the quantile is taken


def with_levels(
    source: Source, levels: int | Mapping[str, int], thresholds: Mapping[str, Tensor | float], *, slip: float = 0.0
) -> Source:
    """Return the network with every activation rounded to `levels` + 1 values.

    Args:
        source: the network; its own thresholds, if it has some, are replaced.
        levels: L ≥ 1, the largest code; one number, or one for each activation name.
        thresholds: θ > 0 by activation name; lowered to the activation's cap where it has one.
        slip: share of the plain clip that is mixed in while training (`source.Activation`).

    Raises:
        BadSetting: L missing or out of range, slip outside [0, 1), or a threshold that is missing or not positive.
    """
    arrays = dict(source.arrays)
    nodes: list[SourceNode] = []
    for node in source.nodes:
        if not isinstance(node.op, Activating):
            nodes.append(node)
            continue
        if node.name not in thresholds:
            raise BadSetting(f"activation {node.name!r} has no threshold: give one for every activation")
        threshold = torch.as_tensor(thresholds[node.name]).detach().to(torch.get_default_dtype()).clone()
        if not bool((threshold.isfinite() & (threshold > 0)).all()):
            raise BadSetting(f"activation {node.name!r}: threshold {threshold.tolist()} must be finite and above 0")
        if node.op.cap is not None:
            threshold = threshold.clamp(max=node.op.cap)
        name = f"{node.name}.threshold"
        arrays[name] = threshold
        others = tuple(entry for entry in node.arrays if entry[0] != "threshold")
        op = node.op.with_levels(_levels_of(node, levels), slip)
        nodes.append(replace(node, op=op, arrays=(*others, ("threshold", name))))
    return _with_nodes(source, nodes, arrays)


def _levels_of(node: SourceNode, levels: int | Mapping[str, int]) -> int:
    if isinstance(levels, Mapping) and node.name not in levels:
        raise BadSetting(f"activation {node.name!r} has no levels: give them for every activation")
    found, where = (levels[node.name], f" of {node.name!r}") if isinstance(levels, Mapping) else (levels, "")
    require_levels(found, where)
    return found


def require_levels(levels: int, where: str = "") -> None:
    """Refuse a number of levels that no activation can have.

    Raises:
        BadSetting: it is one.
    """
    if not 1 <= levels <= MOST_LEVELS:
        raise BadSetting(f"levels{where} is {levels}: it must be from 1 to {MOST_LEVELS}")


def without_levels(source: Source) -> Source:
    """Return the network with its activations as they are without rounding."""
    nodes = [_plain(node, node.op) if isinstance(node.op, Activating) else node for node in source.nodes]
    return _with_nodes(source, nodes, source.arrays)


@torch.no_grad()
def initial_thresholds(
    source: Source, batches: Iterable[Any], *, percentile: float = 99.9, calibrate: bool = False
) -> dict[str, Tensor]:
    """Thresholds from the positive values that each activation shows, or sizes of them, before any rounding.

    Args:
        source: the network, with or without levels.
        batches: prepared inputs, [N, *input_shape] each; a few hundred samples are enough.
        percentile: of the positive values, in (0, 100]; the mean over the batches is taken.
        calibrate: normalise by each batch's own statistics, for weights that were never trained.

    Returns:
        One scalar per activation name; `SILENT` where no value was positive.

    Raises:
        BadSetting: a percentile out of range, or no batch.
    """
    if not 0 < percentile <= 100:
        raise BadSetting(f"percentile is {percentile}: it must be above 0 and at most 100")
    network = TrainableSource(without_levels(source)).train(calibrate)
    seen: dict[str, list[Tensor]] = {node.name: [] for node in source.activations}

    def watch(node: SourceNode, value: Tensor) -> None:
        if node.name in seen:
            assert isinstance(node.op, Activating)
            seen[node.name].append(_percentile(node.op.sizes(value), percentile))

    count = 0
    for x in batches:
        given = x if isinstance(x, Tensor) else source.inputs_of(x, "thresholds")
        interpreter.run(network.source, given, arrays=network.arrays, training=calibrate, watch=watch)
        count += 1
    if count == 0:
        raise BadSetting("thresholds: no images to take them from: give at least one batch")
    return {name: _mean(values) for name, values in seen.items()}


def _with_nodes(source: Source, nodes: list[SourceNode], arrays: Mapping[str, Tensor]) -> Source:
    used = {name for node in nodes for _, name in node.arrays}
    remaining = {name: array for name, array in arrays.items() if name in used}
    return replace(source, nodes=tuple(nodes), arrays=remaining)


def _plain(node: SourceNode, op: Activating) -> SourceNode:
    others = tuple(entry for entry in node.arrays if entry[0] != "threshold")
    return replace(node, op=op.with_levels(None, 0.0), arrays=others)


def _percentile(value: Tensor, percentile: float) -> Tensor:
    flat = value.flatten().float()
    flat = flat[:: -(-flat.numel() // SAMPLED)]
    positive = flat[flat > 0]
    return torch.quantile(positive, percentile / 100) if positive.numel() else flat.new_tensor(float("nan"))


def _mean(values: list[Tensor]) -> Tensor:
    mean = torch.stack(values).nanmean().cpu()
    return torch.tensor(SILENT) if bool(mean.isnan()) else mean.clamp(min=THRESHOLD_FLOOR)
