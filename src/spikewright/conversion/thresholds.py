"""Thresholds without training, from observed activations: the largest, a percentile, or the one that loses least.

The last, for rounding to L levels, is
    θ* = argmin_θ Σ count · (θ/L · min(⌊L·v/θ + ½⌋, L) − v)²
searched on a grid of 1 % of the largest value, then refined ten times finer around the best.
Source: the grid search of SNNC (Li et al. 2021), with rounding instead of its floor.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from spikewright.ann.ops import Activating
from spikewright.ann.source import Source
from spikewright.conversion.observe import Histogram, Statistics
from spikewright.conversion.rounding_error import RoundingError
from spikewright.errors import BadSetting

_SILENT = 1.0  # a neuron that never fired on the calibration inputs: any positive threshold is as good


def least_error_threshold(
    histogram: Histogram, levels: int, *, cap: float | None = None, per_channel: bool = False
) -> Tensor:
    """The least-squares threshold, a scalar or one per channel [channels], float64.

    Args:
        histogram: the observed activations.
        levels: L ≥ 1.
        cap: the activation's own upper limit, which θ never exceeds.
        per_channel: one threshold for each channel instead of one for the layer.
    """
    values, counts = histogram.values, histogram.counts
    if not per_channel:
        values, counts = values.reshape(1, -1), counts.reshape(1, -1)
    top = values.amax(1) * (1 + 0.5 / values.shape[1])
    top = top if cap is None else top.clamp(max=cap)
    coarse = torch.linspace(0.01, 1.0, 100, dtype=torch.float64)
    error = RoundingError(values, counts, levels)
    best = error.least(top, coarse.expand(len(top), -1))
    fine = best.unsqueeze(1) + torch.linspace(-0.01, 0.01, 21, dtype=torch.float64)
    best = error.least(top, fine.clamp(0.001, 1.0))
    chosen = torch.where(top > 0, best * top, torch.full_like(top, _SILENT))
    return chosen if per_channel else chosen[0]


def least_error_range(histogram: Histogram, op: Activating, levels: int, *, per_channel: bool = False) -> Tensor:
    """The range θ of an offset code that loses least, a scalar or one per channel [channels], float64.

    Args:
        histogram: the observed sizes of an activation with negative values.
        op: the activation, which says how many of the levels lie below 0.
        levels: L ≥ 1.
        per_channel: one range for each channel instead of one for the layer.

    By the same two grids as `least_error_threshold`; of one range for all channels, on their merged histogram.
    """
    values, counts, top = histogram.values, histogram.counts, histogram.top
    if not per_channel:
        values, counts, top = _merged(values, counts, top)
    top = top.clamp(max=op.cap) if op.cap is not None else top
    real = op.from_sizes(values)

    def error(share: Tensor) -> Tensor:
        unit = (share * top / levels).clamp(min=1e-300).unsqueeze(1)
        below = op.below(unit, levels)
        rounded = unit * ((real / unit + 0.5).floor().clamp(min=-below).minimum(levels - below))
        return (counts * (rounded - real).square()).sum(1)

    shares = torch.linspace(0.01, 1.0, 100, dtype=torch.float64)
    best = shares[torch.stack([error(share) for share in shares]).argmin(0)]
    fine = torch.linspace(-0.01, 0.01, 21, dtype=torch.float64)
    tried = [(best + share).clamp(0.001, 1.0) for share in fine]
    errors = torch.stack([error(share) for share in tried])
    chosen = torch.stack(tried).gather(0, errors.argmin(0, keepdim=True))[0] * top
    found = torch.where(top > 0, chosen, torch.full_like(top, _SILENT))
    return found if per_channel else found[0]


def off_extrema(op: Activating, threshold: Tensor, levels: int) -> Tensor:
    """The same range, or one a millionth larger where the activation's least value lies on the edge between two codes.

    There its slope is 0, and rounding alone would say which of the two codes a potential near it has.
    """
    place = op.from_sizes(torch.zeros((), dtype=torch.float64)) / threshold * levels + 0.5
    return torch.where(
        (place - place.round()).abs() < 1e-6, threshold * (1 + 1e-6 / place.abs().clamp(min=1)), threshold
    )


def _merged(values: Tensor, counts: Tensor, top: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Histograms of all channels as one of as many bins, each with the mean of what falls into it."""
    largest, bins = top.max(), values.shape[1]
    place = (values / largest.clamp(min=1e-300) * bins).long().clamp(0, bins - 1).flatten()
    count = torch.zeros(bins, dtype=torch.float64).index_add(0, place, counts.flatten())
    total = torch.zeros(bins, dtype=torch.float64).index_add(0, place, (counts * values).flatten())
    return (total / count.clamp(min=1)).unsqueeze(0), count.unsqueeze(0), largest.reshape(1)


def largest_threshold(histogram: Histogram, *, cap: float | None = None) -> Tensor:
    """The largest activation seen, a scalar float64 (max-norm: Diehl et al. 2015)."""
    return _positive(float(histogram.top.max()), cap)


def percentile_threshold(histogram: Histogram, percentile: float, *, cap: float | None = None) -> Tensor:
    """The value below which `percentile` % of all activations lie, zeros included (Rueckauer et al. 2017)."""
    return _positive(histogram.percentile(percentile / 100), cap)


def _positive(value: float, cap: float | None) -> Tensor:
    value = value if value > 0 else _SILENT
    return torch.tensor(value if cap is None else min(value, cap), dtype=torch.float64)


Rule = Callable[[Histogram, Activating, str], Tensor]


def choose_thresholds(
    source: Source, statistics: Statistics | None, rule: Rule, *, use_trained: bool = True
) -> dict[str, Tensor]:
    """A threshold for every activation of a source, in float64.

    Args:
        source: the network.
        statistics: its observed activations; needed where the rule is.
        rule: called with (histogram, operation, name) where no trained threshold is kept.
        use_trained: take the threshold that training set, where there is one.

    Raises:
        BadSetting: the rule is needed and there are no statistics.
    """
    found: dict[str, Tensor] = {}
    for node in source.activations:
        assert isinstance(node.op, Activating)
        trained = source.array(node, "threshold") if use_trained else None
        if trained is not None:
            found[node.name] = trained.double()
        elif statistics is None or node.name not in statistics:
            reason = "has no trained threshold" if use_trained else "gets its threshold from data"
            raise BadSetting(
                f"activation {node.name!r} {reason}: give calibration inputs (`--data`, or `loader`)"
                + (", or train the source with `--levels`" if use_trained else "")
            )
        else:
            found[node.name] = rule(statistics[node.name], node.op, node.name)
    return found


def has_trained_thresholds(source: Source) -> bool:
    """Whether training set the threshold of every activation."""
    return all(source.array(node, "threshold") is not None for node in source.activations)
