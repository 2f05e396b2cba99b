"""Which of many thresholds rounds a histogram with the least squared error.

    E(θ) = Σ c·(r(v) − v)²,   r(v) = δ·min(⌊v/δ + ½⌋, L),   δ = θ/L
         = Σ c·v² − 2δ·Σ_k A_k + δ²·Σ_k (2k − 1)·N_k
with A_k = Σ c·v and N_k = Σ c over the values from (k − ½)·δ up, k = 1..L: two look-ups a level in sums from the top,
which are made once. Where there are about as many levels as values, E is bounded by what clipping loses alone, and
that with half a level for each other value. Only candidates that rounding of these sums leaves level with the least
are added up term by term; of equals the first is taken. So the choice is that of adding up every candidate.

Knows nothing about where a histogram comes from.
"""

from typing import NamedTuple

import torch
from torch import Tensor

_EPSILON = 2.0**-53  # of float64, half a unit in the last place
_AT_ONCE = 2**20  # look-ups


class RoundingError:
    """E of one histogram, or of one a row, for as many thresholds as are asked for.

    Args:
        values: of each bin, ascending in each row where there are several rows, [rows, bins] float64.
        counts: how often each occurs, [rows, bins] float64.
        levels: L ≥ 1.
    """

    def __init__(self, values: Tensor, counts: Tensor, levels: int) -> None:
        self.values, self.counts, self.levels = values, counts, levels
        self.sums = _sums(values, counts)
        few = levels <= self.sums.falling.shape[1] // 8
        self.bounds = _estimated if few else _bounded
        self.slack = 8 * (values.shape[1] + levels + 32) * _EPSILON * self.sums.squares[:, -1:]

    def least(self, top: Tensor, shares: Tensor) -> Tensor:
        """The share of `top` [rows] with the least error, one a row, among ascending ones [rows, candidates]."""
        thresholds = (shares * top.unsqueeze(1)).clamp(min=1e-300)
        least, most = self.bounds(self.sums, self.levels, thresholds)
        possible = ~(least - self.slack > (most + self.slack).amin(1, keepdim=True))  # so is what is not a number
        possible[:, 1:] &= shares[:, 1:] != shares[:, :-1]
        possible[:, 1:] &= (top > 0).unsqueeze(1)  # a silent row: all are alike
        first = possible.double().argmax(1, keepdim=True)
        rounds = int(possible.sum(1).max())
        if rounds == 1:
            return shares.gather(1, first).squeeze(1)
        candidates = shares.shape[1]
        places = torch.where(possible, torch.arange(candidates), candidates).sort(1).values[:, :rounds]
        places = torch.where(places < candidates, places, first)
        errors = [self._added_up(thresholds.gather(1, place.unsqueeze(1))) for place in places.T]
        pick = torch.stack(errors, 1).argmin(1, keepdim=True)
        return shares.gather(1, places.gather(1, pick)).squeeze(1)

    def _added_up(self, threshold: Tensor) -> Tensor:
        """E of one threshold a row, [rows, 1] → [rows], term by term."""
        step = threshold / self.levels
        rounded = step * (self.values * self.levels / threshold + 0.5).floor().clamp(0, self.levels)
        return (self.counts * (rounded - self.values).square()).sum(1)


class _Sums(NamedTuple):
    """A histogram's values in falling order, and sums over the first so many of them."""

    falling: Tensor  # −v, ascending, [rows, n]
    counts: Tensor  # Σ c, [rows, n + 1]
    firsts: Tensor  # Σ c·v, [rows, n + 1]
    squares: Tensor  # Σ c·v², [rows, n + 1]


def _sums(values: Tensor, counts: Tensor) -> _Sums:
    if len(values) == 1:
        filled = counts[0] > 0
        falling, order = values[0, filled].neg().sort()
        falling, counts = falling.unsqueeze(0), counts[0, filled][order].unsqueeze(0)
    else:
        falling, counts = values.flip(1).neg(), counts.flip(1)
    nothing = counts.new_zeros(len(counts), 1)
    firsts = counts * -falling
    made = [torch.cat([nothing, terms.cumsum(1)], 1) for terms in (counts, firsts, firsts * -falling)]
    return _Sums(falling.contiguous(), *made)


def _estimated(sums: _Sums, levels: int, thresholds: Tensor) -> tuple[Tensor, Tensor]:
    """E by look-ups, twice: the least and the most it can be but for rounding, [rows, candidates]."""
    odd = torch.arange(1, 2 * levels, 2, dtype=torch.float64)
    found = []
    for part in thresholds.split(max(1, _AT_ONCE // (len(thresholds) * levels)), 1):
        step = part / levels
        edges = (step.unsqueeze(2) * (odd / 2)).flatten(1).neg()
        place = torch.searchsorted(sums.falling, edges, right=True)
        above, number = (table.gather(1, place).unflatten(1, (-1, levels)) for table in (sums.firsts, sums.counts))
        found.append(sums.squares[:, -1:] - 2 * step * above.sum(2) + step.square() * (number * odd).sum(2))
    error = torch.cat(found, 1)
    return error, error


def _bounded(sums: _Sums, levels: int, thresholds: Tensor) -> tuple[Tensor, Tensor]:
    """What clipping loses, without and with half a level (and a bit) for each other value, [rows, candidates]."""
    place = torch.searchsorted(sums.falling, thresholds.neg())
    number, first, square = (table.gather(1, place) for table in (sums.counts, sums.firsts, sums.squares))
    clipped = square - 2 * thresholds * first + thresholds.square() * number
    return clipped, clipped + (sums.counts[:, -1:] - number) * (thresholds / levels * 0.51).square()
