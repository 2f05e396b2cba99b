"""Thresholds without training: the θ whose rounding to L levels loses least on the observed activations.

    θ* = argmin_θ Σ count · (θ/L · min(⌊L·v/θ + ½⌋, L) − v)²
searched on a grid of 1 % of the largest value, then refined ten times finer around the best.
Source: the grid search of SNNC (Li et al. 2021), with rounding instead of its floor.
"""

import torch
from torch import Tensor

from spikewright.statistics import Histogram

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
    best = _search(values, counts, levels, top, coarse.expand(len(top), -1))
    fine = best.unsqueeze(1) + torch.linspace(-0.01, 0.01, 21, dtype=torch.float64)
    best = _search(values, counts, levels, top, fine.clamp(0.001, 1.0))
    chosen = torch.where(top > 0, best * top, torch.full_like(top, _SILENT))
    return chosen if per_channel else chosen[0]


def _search(values: Tensor, counts: Tensor, levels: int, top: Tensor, shares: Tensor) -> Tensor:
    """The share of `top`, among [rows, candidates], with the least weighted squared error."""
    errors = []
    for candidate in shares.T:
        threshold = (candidate * top).clamp(min=1e-300).unsqueeze(1)
        rounded = threshold / levels * (values * levels / threshold + 0.5).floor().clamp(0, levels)
        errors.append((counts * (rounded - values).square()).sum(1))
    pick = torch.stack(errors, 1).argmin(1, keepdim=True)
    return shares.gather(1, pick).squeeze(1)
