"""Which two numbers of a layer are learned: α and T = ⌊t + ½⌋ hang together by α = d · t and t = 2^n.

    n_d       α = d · 2^n   t = 2^n    Eq. 7, case 1
    n_alpha   α             t = 2^n    Eq. 8, case 2
    d_alpha   α             t = α/d    Eq. 9, case 3
    t_alpha   α             t          Eq. 10, case 4, the paper's choice

Each gives (α, t) from its two parameters by operations that autograd follows; with the gradients of
`learned_round` the paper's equations come out. The first of the pair sets the resolution (n, d or t).
Knows nothing about networks or losses.

Source: the QAC paper, section 4.2. Differs: n, d and t are real numbers throughout and only T is rounded; each
pair is kept where 1 ≤ t ≤ `MOST_LEVELS` and `THRESHOLD_FLOOR` ≤ α ≤ the activation's cap. The paper has no
such guard, and its case 3 diverges (its table prints INF): d runs to 0, or past α.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log2
from typing import Protocol

import torch
from torch import Tensor

from spikewright.training.ann.levels import MOST_LEVELS
from spikewright.training.ann.trainable import THRESHOLD_FLOOR

Pair = tuple[Tensor, Tensor]


class Parametrisation(Protocol):
    """How two learned numbers a layer (vectors over the layers, or scalars) become α and t."""

    def start(self, alpha: Tensor, t: Tensor) -> Pair:
        """The two parameters at which α and t have these values."""
        ...

    def alpha_and_t(self, first: Tensor, second: Tensor) -> Pair:
        """α and t, differentiable in both parameters."""
        ...

    def guard(self, first: Tensor, second: Tensor, cap: Tensor) -> None:
        """Bring both parameters, in place, to where α and t are allowed; `cap` is the highest α."""
        ...


@dataclass(frozen=True, slots=True)
class TAlpha:
    """t and α as they are."""

    def start(self, alpha: Tensor, t: Tensor) -> Pair:
        """(t, α)."""
        return t.clone(), alpha.clone()

    def alpha_and_t(self, first: Tensor, second: Tensor) -> Pair:
        """(α, t)."""
        return second, first

    def guard(self, first: Tensor, second: Tensor, cap: Tensor) -> None:
        """1 ≤ t, α within its bounds."""
        first.clamp_(1, MOST_LEVELS)
        _clamp(second, cap)


@dataclass(frozen=True, slots=True)
class NAlpha:
    """The bit width n and α."""

    def start(self, alpha: Tensor, t: Tensor) -> Pair:
        """(log2 t, α)."""
        return t.log2(), alpha.clone()

    def alpha_and_t(self, first: Tensor, second: Tensor) -> Pair:
        """(α, 2^n)."""
        return second, first.exp2()

    def guard(self, first: Tensor, second: Tensor, cap: Tensor) -> None:
        """0 ≤ n, α within its bounds."""
        first.clamp_(0, log2(MOST_LEVELS))
        _clamp(second, cap)


@dataclass(frozen=True, slots=True)
class ND:
    """The bit width n and the step d."""

    def start(self, alpha: Tensor, t: Tensor) -> Pair:
        """(log2 t, α/t)."""
        return t.log2(), alpha / t

    def alpha_and_t(self, first: Tensor, second: Tensor) -> Pair:
        """(d · 2^n, 2^n)."""
        t = first.exp2()
        return second * t, t

    def guard(self, first: Tensor, second: Tensor, cap: Tensor) -> None:
        """0 ≤ n; d such that α is within its bounds."""
        first.clamp_(0, log2(MOST_LEVELS))
        alpha = second * first.exp2()
        second.copy_(torch.where(_allowed(alpha, cap), second, _clamp(alpha, cap) / first.exp2()))


@dataclass(frozen=True, slots=True)
class DAlpha:
    """The step d and α."""

    def start(self, alpha: Tensor, t: Tensor) -> Pair:
        """(α/t, α)."""
        return alpha / t, alpha.clone()

    def alpha_and_t(self, first: Tensor, second: Tensor) -> Pair:
        """(α, α/d)."""
        return second, second / first

    def guard(self, first: Tensor, second: Tensor, cap: Tensor) -> None:
        """α within its bounds; 0 < α / MOST_LEVELS ≤ d ≤ α."""
        _clamp(second, cap)
        first.copy_(first.maximum(second / MOST_LEVELS).minimum(second))


def _clamp(alpha: Tensor, cap: Tensor) -> Tensor:
    return alpha.copy_(alpha.clamp(min=THRESHOLD_FLOOR).minimum(cap))


def _allowed(alpha: Tensor, cap: Tensor) -> Tensor:
    return (alpha >= THRESHOLD_FLOOR) & (alpha <= cap)


PARAMETRISATIONS: Mapping[str, Parametrisation] = {
    "t_alpha": TAlpha(),
    "n_alpha": NAlpha(),
    "n_d": ND(),
    "d_alpha": DAlpha(),
}
