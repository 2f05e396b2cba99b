"""What a source's activations look like on calibration inputs: one histogram per activation and channel.

From these a method chooses thresholds without training. Two passes over the batches: the ranges, then the
counts. Knows nothing about codes or spikes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.ops import Activating
from spikewright.ann.source import Source, SourceNode
from spikewright.errors import BadData

BINS = 2048


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Positive outputs of one activation, per channel.

    Attributes:
        top: the largest value seen, [channels].
        counts: how many values fell into each of BINS equal parts of (0, top], [channels, BINS], float64.
        total: values seen per channel, zeros included.
    """

    top: Tensor
    counts: Tensor
    total: int

    @property
    def values(self) -> Tensor:
        """The middle of each bin, [channels, BINS]."""
        middles = (torch.arange(BINS, dtype=torch.float64) + 0.5) / BINS
        return self.top.unsqueeze(1) * middles

    @property
    def active_share(self) -> float:
        """Share of values above zero."""
        return float(self.counts.sum()) / (self.total * len(self.top))

    def percentile(self, share: float) -> float:
        """The value below which `share` (0..1) of all values lie, zeros included; 0 if nothing is that large."""
        values, order = self.values.flatten().sort()
        below = self.total * len(self.top) - self.counts.sum() + self.counts.flatten()[order].cumsum(0)
        index = int(torch.searchsorted(below, share * self.total * len(self.top)))
        return float(values[min(index, len(values) - 1)]) if bool(self.counts.sum() > 0) else 0.0


Statistics = Mapping[str, Histogram]


def observe(source: Source, batches: Iterable[Tensor]) -> Statistics:
    """Histogram every activation's output on prepared input batches [N, *input_shape].

    Raises:
        BadData: no inputs, or inputs or activations that are not finite.
    """
    kept_batches = list(batches)
    if not kept_batches or not sum(len(batch) for batch in kept_batches):
        raise BadData("calibration needs at least one input, got none: give a data set that is not empty")
    if not all(bool(batch.isfinite().all()) for batch in kept_batches):
        raise BadData("a calibration input holds values that are not finite: mend the data or its preparation")
    tops: dict[str, Tensor] = {}
    counts: dict[str, Tensor] = {}
    totals: dict[str, int] = {}

    def find_top(node: SourceNode, value: Tensor) -> None:
        if isinstance(node.op, Activating):
            largest = _by_channel(value).amax(1).double()
            tops[node.name] = torch.maximum(tops[node.name], largest) if node.name in tops else largest

    def count(node: SourceNode, value: Tensor) -> None:
        if isinstance(node.op, Activating):
            channels = _by_channel(value)
            counts[node.name] = counts.get(node.name, 0) + _bin(channels, tops[node.name])
            totals[node.name] = totals.get(node.name, 0) + channels.shape[1]

    with torch.no_grad():
        for batch in kept_batches:
            interpreter.run(source, batch, watch=find_top)
        for name, top in tops.items():
            if not bool(top.isfinite().all()):
                raise BadData(
                    f"activation {name!r} is not finite on the calibration inputs: mend the weights or the inputs"
                )
        for batch in kept_batches:
            interpreter.run(source, batch, watch=count)
    return {name: Histogram(top, counts[name], totals[name]) for name, top in tops.items()}


def _by_channel(value: Tensor) -> Tensor:
    """[N, C, *space] → [C, N·space]; one number per sample, [N], is one channel."""
    return value.unsqueeze(0) if value.dim() == 1 else value.transpose(0, 1).flatten(1)


def _bin(channels: Tensor, top: Tensor) -> Tensor:
    """Counts of the positive values, [C, BINS]."""
    scale = torch.where(top > 0, BINS / top, 0.0).to(channels.dtype)
    index = (channels * scale.unsqueeze(1)).ceil_().sub_(1).clamp_(0, BINS - 1).long()
    index += torch.arange(len(top)).unsqueeze(1) * BINS
    positive = channels > 0
    found = torch.bincount(index[positive], minlength=len(top) * BINS)
    return found.reshape(len(top), BINS).double()
