"""What is not linear: how far its value can have moved, from how far those that it reads can.

    a·b          (|a| + e_a) e_b + (|b| + e_b) e_a
    a/b          (e_a + |a/b| e_b) / (|b| − 2 e_b)                       not known unless |b| > 2 e_b
    maximum      the larger of e_a and e_b
    normalise    (e_c + |x̂| ρ) / (σ − 2ρ),   e_c = e + mean e,   ρ = √mean e_c²,   σ = √(var + ε)      unless σ > 2ρ
    softmax      p · expm1(2 max e)
    length       √Σ e²
and what the operation itself rounds. |a| and the like are of exact values, so what was computed is widened by its
error; a reference and an engine may each be off by so much.

Source: Higham, "Accuracy and Stability of Numerical Algorithms", 2002, §1.9 (variances) and §3.3. The rules for norms
and softmax are ours.
"""

import torch
from torch import Tensor

from spikewright.ann.ops.graded import (
    Divide,
    Larger,
    Length,
    MatMul,
    Multiply,
    Normalise,
    Reciprocal,
    Smaller,
    Softmax,
)
from spikewright.measure.equality.bounds import EPSILON, Bound, Case, Size, infinite

_TINY = 2.0**-1000  # far below what float64 rounds, and above where it stops doing so
_UNITS = 4  # roundings of units, which are multiplied in before or behind


def _made(case: Case, error: Tensor, roundings: int) -> Size:
    """A chain starts anew at its value, with this error, after so many roundings of that value."""
    size = case.made.abs()
    return Size(size, 1, infinite(error + (roundings + _UNITS) * EPSILON * size + _TINY))


def _errors(case: Case) -> list[Tensor]:
    return [size.bound(case.steps + _UNITS) for size in case.inputs]


def _multiply(case: Case) -> Size:
    (a, b), (e_a, e_b) = (value.abs() for value in case.values), _errors(case)
    return _made(case, (a + e_a) * e_b + (b + e_b) * e_a, 2)


def _divide(case: Case) -> Size:
    (a, b), (e_a, e_b) = (value.abs() for value in case.values), _errors(case)
    return _made(case, _quotient(e_a, e_b, a, b), 4)


def _reciprocal(case: Case) -> Size:
    b, (e_b,) = case.values[0].abs(), _errors(case)
    return _made(case, _quotient(torch.zeros_like(b), e_b, torch.ones_like(b), b), 4)


def _quotient(e_a: Tensor, e_b: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """How far a quotient can be off, whose magnitudes were computed as a and b."""
    error = (e_a + (a + e_a) / (b - e_b) * e_b) / (b - 2 * e_b)
    return torch.where(b > 2 * e_b, error, torch.inf)


def _of_two(case: Case) -> Size:
    e_a, e_b = _errors(case)
    return _made(case, torch.maximum(e_a, e_b), 2)


def _matmul(case: Case) -> Size:
    (a, b), (e_a, e_b) = (value.abs() for value in case.values), _errors(case)
    error = torch.matmul(a + e_a, e_b) + torch.matmul(e_a, b + e_b)
    return _made(case, error + (a.shape[-1] + 2 * _UNITS) * EPSILON * torch.matmul(a + e_a, b + e_b), 2)


def _normalise(case: Case) -> Size:
    op, x, (error,) = case.node.op, case.values[0], _errors(case)
    assert isinstance(op, Normalise)
    count = x[0].numel() // max(x.mean(op.dims)[0].numel(), 1)

    def mean(value: Tensor) -> Tensor:
        return value.mean(op.dims, keepdim=True)

    centred = x - mean(x) if op.centred else x
    if op.centred:
        error = error + mean(error) + (count + 2) * EPSILON * mean(x.abs()) + EPSILON * centred.abs()
    spread, rho = (mean(centred.square()) + op.epsilon).sqrt(), mean(error.square()).sqrt()
    x_hat = (centred.abs() + error) / (spread - rho)
    found = torch.where(spread > 2 * rho, (error + x_hat * rho) / (spread - 2 * rho), torch.inf)
    # a variance in one pass, as torch has it, feels the mean as well
    own = (count + 10) * EPSILON * x_hat * (1 + mean(x.square()).sqrt() / spread)
    return _made(case, found + own, 10)


def _softmax(case: Case) -> Size:
    op, x, (error,) = case.node.op, case.values[0], _errors(case)
    assert isinstance(op, Softmax)
    below = x.amax(op.dim, keepdim=True) - x
    off = 2 * error.amax(op.dim, keepdim=True) + 4 * EPSILON * (below + 1)
    return _made(case, case.made * torch.exp(off) * torch.expm1(off), x.shape[op.dim] + 10)


def _length(case: Case) -> Size:
    op, x, (error,) = case.node.op, case.values[0], _errors(case)
    assert isinstance(op, Length)
    count = x[0].numel() // max(case.made[0].numel(), 1)
    return _made(case, error.square().sum(op.dims, keepdim=op.keepdim).sqrt(), count + 6)


RULES: dict[type, Bound] = {
    Multiply: _multiply,
    Divide: _divide,
    Reciprocal: _reciprocal,
    MatMul: _matmul,
    **dict.fromkeys((Larger, Smaller), _of_two),
    Normalise: _normalise,
    Softmax: _softmax,
    Length: _length,
}
