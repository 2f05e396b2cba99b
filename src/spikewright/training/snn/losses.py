"""Losses of a directly trained network: what its output over time [T, N, K] should be, given labels int64 [N].

    mean       cross-entropy of the mean over t
    sum        cross-entropy of the sum over t
    tet        mean over t of cross-entropies
    count      cross-entropy of spike counts
    count_mse  mean square of (spike rate − target rate), CORRECT for the label, INCORRECT for the others

Sources: sum: snnTorch's use in "Reliability-Aware Hyperparameter Optimization for ANN-to-SNN Conversion"; tet: Deng
et al. 2022, "Temporal Efficient Training", without its second term, as Q-SNNs, Eq. 16, takes it; count_mse:
snnTorch's mse_count_loss in rates, with rates of its tutorials.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from spikewright.errors import BadSetting

CORRECT, INCORRECT = 0.8, 0.2

Loss = Callable[[Tensor, Tensor, float, Tensor | None], Tensor]
"""(output [T, N, K], labels [N], label smoothing, weights of the classes [K] or None)."""


def _mean(output: Tensor, labels: Tensor, smoothing: float, weights: Tensor | None = None) -> Tensor:
    return F.cross_entropy(output.mean(0), labels, weight=weights, label_smoothing=smoothing)


def _sum(output: Tensor, labels: Tensor, smoothing: float, weights: Tensor | None = None) -> Tensor:
    return F.cross_entropy(output.sum(0), labels, weight=weights, label_smoothing=smoothing)


def _tet(output: Tensor, labels: Tensor, smoothing: float, weights: Tensor | None = None) -> Tensor:
    each = labels.expand(len(output), *labels.shape)
    return F.cross_entropy(output.flatten(0, 1), each.flatten(), weight=weights, label_smoothing=smoothing)


def _count_mse(output: Tensor, labels: Tensor, smoothing: float, weights: Tensor | None = None) -> Tensor:  # noqa: ARG001
    rate = output.mean(0)
    target = torch.full_like(rate, INCORRECT).scatter(1, labels.unsqueeze(1), CORRECT)
    return F.mse_loss(rate, target)


LOSSES: dict[str, Loss] = {"mean": _mean, "sum": _sum, "tet": _tet, "count": _sum, "count_mse": _count_mse}
OF_SPIKES = frozenset({"count", "count_mse"})  # they need a read-out that fires


def require_loss(name: str, *, readout: str, rate_penalty: float) -> None:
    """Check that a loss is there, and that it goes with the read-out, `potential` or `spikes`.

    Raises:
        BadSetting: an unknown loss, one that needs another read-out, or a price below 0 or not finite.
    """
    if name not in LOSSES:
        raise BadSetting(f"training: loss is '{name}': choose one of {', '.join(LOSSES)}")
    if name in OF_SPIKES and readout != "spikes":
        raise BadSetting(f"training: loss '{name}' counts the output's spikes: add --readout spikes")
    if not 0 <= rate_penalty < float("inf"):
        raise BadSetting(f"training: rate-penalty is {rate_penalty}: it must be 0 or more")


def regulation(rates: Tensor) -> Tensor:
    """Σ_l (f_l − ½)² over the stages but the first: hidden layers 2 … L − 1; `rates` [stages] are mean spikes a step.

    Source: Q-SNNs, Eq. 15. The L-th layer is the read-out: where it fires, its rate is not to be among `rates`.
    """
    return (rates[1:] - 0.5).square().sum()
