"""What a source's activations look like on calibration inputs: one histogram per activation and channel.

From these a method chooses thresholds without training. Two passes over the batches: the ranges, then the
counts, so many inputs at once as half a gigabyte holds the values of. Activations of the first inputs are stored, up to
0.8 gigabytes, and not computed again. Knows nothing about codes or spikes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from spikewright.ann import interpreter
from spikewright.ann.channels import channel_axes
from spikewright.ann.ends import Batch, is_finite
from spikewright.ann.memory import AT_ONCE, samples_at_once
from spikewright.ann.ops import Activating
from spikewright.ann.source import Source, SourceNode
from spikewright.data.progress import Progress, silent
from spikewright.errors import BadData

BINS = 2048
_STORED = 1.5  # times the memory of a pass, for values that the second pass need not compute again
_FEW = 8  # inputs at once, below which a pass gets slower


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Positive outputs of one activation, per channel; where it has negative ones, what its operation calls sizes.

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


def observe(source: Source, batches: Iterable[Any], *, on_progress: Progress = silent) -> Statistics:
    """Histogram every activation's output on prepared input batches [N, *input_shape].

    Args:
        source: the network.
        batches: its inputs; of several tuples or dicts.
        on_progress: called with how many inputs have passed, of both passes.

    Raises:
        BadData: no inputs, or inputs of another shape, or inputs or activations that are not finite.
    """
    inputs = _sliced(source, batches)
    seen = _Seen(channel_axes(source.nodes, source.value_shapes))
    passed, total = 0, 2 * sum(map(len, inputs))
    with torch.no_grad():
        for part in inputs:
            stored: dict[str, Tensor] | None = {} if seen.room > 0 else None
            interpreter.run(source, part, watch=lambda node, value, stored=stored: seen.find_top(node, value, stored))
            seen.parts.append(stored if seen.room >= 0 else None)
            passed += len(part)
            on_progress("calibration inputs", passed, total)
        seen.require_finite()
        for part, stored in zip(inputs, seen.parts, strict=True):
            if stored is None:
                interpreter.run(source, part, watch=seen.count)
            else:
                for name, value in stored.items():
                    seen.count_value(name, value)
            passed += len(part)
            on_progress("calibration inputs", passed, total)
    return {name: Histogram(top, seen.counts[name].double(), seen.totals[name]) for name, top in seen.tops.items()}


class _Seen:
    """What is known of each activation so far; and its values themselves, of the first inputs, while there is room."""

    def __init__(self, axes: Mapping[str, int]) -> None:
        self.axes = axes  # of channels, by node
        self.tops: dict[str, Tensor] = {}
        self.counts: dict[str, Tensor] = {}
        self.totals: dict[str, int] = {}
        self.parts: list[dict[str, Tensor] | None] = []  # a slice of the inputs each: its values, or run it again
        self.room = int(_STORED * AT_ONCE)

    def find_top(self, node: SourceNode, value: Tensor, stored: dict[str, Tensor] | None) -> None:
        """Raise the largest value of each channel, and store the values where they go."""
        if not isinstance(node.op, Activating):
            return
        value = node.op.sizes(value)
        largest = _by_place(value, self.axes[node.name]).amax(2).amax(0).double()
        self.tops[node.name] = torch.maximum(self.tops[node.name], largest) if node.name in self.tops else largest
        if stored is not None:
            self.room -= value.numel() * value.element_size()
            if self.room >= 0:
                stored[node.name] = value
            else:
                stored.clear()

    def require_finite(self) -> None:
        """Refuse values that are not."""
        for name, top in self.tops.items():
            if not bool(top.isfinite().all()):
                raise BadData(
                    f"activation {name!r} is not finite on the calibration inputs: mend the weights or the inputs"
                )

    def count(self, node: SourceNode, value: Tensor) -> None:
        """Count the values of an activation."""
        if isinstance(node.op, Activating):
            self.count_value(node.name, node.op.sizes(value))

    def count_value(self, name: str, value: Tensor) -> None:
        """Count the values, as sizes, of the activation of that name."""
        places = _by_place(value, self.axes[name])
        if name not in self.counts:
            self.counts[name] = torch.zeros(places.shape[1], BINS, dtype=torch.int64)
        _count(places, self.tops[name], self.counts[name])
        self.totals[name] = self.totals.get(name, 0) + places.shape[0] * places.shape[2]


def _sliced(source: Source, batches: Iterable[Any]) -> list[Batch]:
    """The inputs, so many at once as may pass the network together."""
    stored_batches = [source.inputs_of(batch, "calibration") for batch in batches]
    if not sum(len(batch) for batch in stored_batches):
        raise BadData("calibration needs at least one input, got none: give a data set that is not empty")
    if not all(map(is_finite, stored_batches)):
        raise BadData("a calibration input holds values that are not finite: mend the data or its preparation")
    size = max((array.element_size() for array in source.arrays.values()), default=4)
    stored = sum(prod(node.shape) for node in source.activations) * size
    storable = int(_STORED * AT_ONCE) // max(1, stored)  # so that there is a slice whose values are
    at_once = min(samples_at_once(source, AT_ONCE), max(_FEW, storable))
    return [part for batch in stored_batches if len(batch) for part in batch.split(at_once)]


def _by_place(value: Tensor, axis: int) -> Tensor:
    """[N, *features] → [N, C, places], C along `axis` of the features; one number per sample, [N], is one channel."""
    if value.dim() == 1:
        return value.reshape(-1, 1, 1)
    return value.movedim(axis + 1, 1).reshape(len(value), value.shape[axis + 1], -1)


def _count(places: Tensor, top: Tensor, counts: Tensor) -> None:
    """Add the positive values [N, C, places] to counts [C, BINS]."""
    from spikewright.conversion import bin_loops  # noqa: PLC0415 - brings Numba

    scale = torch.where(top > 0, BINS / top, 0.0).to(places.dtype)
    bin_loops.count(places.contiguous().numpy(), scale.numpy(), counts.numpy())
