"""What is not linear: how far its value can have moved, from how far those that it reads can.

    a·b          (|a| + e_a) e_b + (|b| + e_b) e_a
    a/b          (e_a + |a/b| e_b) / (|b| − 2 e_b)                       not known unless |b| > 2 e_b
    maximum      the larger of e_a and e_b
    normalise    (e_c + |x̂| ρ) / (σ − 2ρ),   e_c = e + mean e,   ρ = √mean e_c²,   σ = √(var + ε)      unless σ > 2ρ
    softmax      p · expm1(2 max e)
    length       √Σ e²
and what the operation itself rounds. Of lengths over all features:
    matmul       ‖a‖ |e_b| + ‖b‖ |e_a|           ‖·‖ the largest singular value of any of the matrices
    normalise    |e| / min (σ − 2ρ)              its slope is a projection, or less, divided by σ
    softmax      |e| · min(½, max p exp(4 max e))    its slope diag(p) − p pᵀ has no eigenvalue above either
|a| and the like are of exact values, so what was computed is widened by its
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
from spikewright.measure.equality.bounds import EPSILON, Bound, Case, Size, infinite, length, narrowed
from spikewright.measure.equality.stretch import largest_stretch

_TINY = 2.0**-1000  # far below what float64 rounds, and above where it stops doing so
_UNITS = 4  # roundings of units, which are multiplied in before or behind


def _made(case: Case, error: Tensor, roundings: int) -> Size:
    """A chain starts anew at its value, with this error, after so many roundings of that value."""
    size = case.made.abs()
    return Size(size, 1, infinite(error + (roundings + _UNITS) * EPSILON * size + _TINY))


def _no_longer(case: Case, carried: Tensor, own: Tensor, roundings: int, size: Size) -> Size:
    """The size, with an error that is no longer than what is carried on [N] and what the operation rounds itself."""
    own = own + (roundings + _UNITS) * EPSILON * case.made.abs() + _TINY
    return narrowed(size, carried + length(own))


def _lengths(case: Case) -> list[Tensor]:
    return [size.length_bound(case.steps + _UNITS) for size in case.inputs]


def _largest(value: Tensor) -> Tensor:
    """The largest of a sample's values, [N, *] → [N]."""
    return value.flatten(1).amax(1)


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
    own = (a.shape[-1] + 2 * _UNITS) * EPSILON * torch.matmul(a + e_a, b + e_b)
    found = _made(case, error + own, 2)
    if a.shape[:-2] != b.shape[:-2]:  # one of them is copied along an axis
        return found
    (by_a, by_b), (far_a, far_b) = [_largest(largest_stretch(each[:, None])) for each in case.values], _lengths(case)
    return _no_longer(case, (by_a + far_a) * far_b + (by_b + 2 * far_b) * far_a, own, 2, found)


def _normalise(case: Case) -> Size:
    op, x, (error,) = case.node.op, case.values[0], _errors(case)
    assert isinstance(op, Normalise)
    count = x[0].numel() // max(x.mean(op.dims)[0].numel(), 1)

    def mean(value: Tensor) -> Tensor:
        return value.mean(op.dims, keepdim=True)

    centred, shift = x, torch.zeros_like(x)
    if op.centred:
        centred = x - mean(x)
        shift = (count + 2) * EPSILON * mean(x.abs() + error) + EPSILON * (centred.abs() + error + mean(error))
        error = error + mean(error) + shift
    far = _lengths(case)[0] + length(shift)
    spread = (mean(centred.square()) + op.epsilon).sqrt()
    rho = torch.minimum(mean(error.square()).sqrt(), (far / count**0.5).reshape(-1, *(1,) * (x.dim() - 1)))
    x_hat = (centred.abs() + error) / (spread - rho)
    least = (spread - 2 * rho).clamp(min=0)
    found = torch.where(least > 0, (error + x_hat * rho) / least, torch.inf)
    # a variance in one pass, as torch has it, feels the mean as well
    own = (count + 10) * EPSILON * x_hat * (1 + mean(x.square()).sqrt() / spread)
    return _no_longer(case, _largest(least.reciprocal()) * far, own, 10, _made(case, found + own, 10))


def _softmax(case: Case) -> Size:
    op, x, (error,) = case.node.op, case.values[0], _errors(case)
    assert isinstance(op, Softmax)
    carried, count = error.amax(op.dim, keepdim=True), x.shape[op.dim]
    rounded = 4 * EPSILON * (x.amax(op.dim, keepdim=True) - x + 1 + 4 * carried)
    off = 2 * carried + rounded
    largest = infinite(case.made * torch.exp(off)).clamp(max=1)
    found = _made(case, infinite(largest * torch.expm1(off)).clamp(max=1), count + 10)
    (far,) = _lengths(case)
    slope = _largest(infinite(case.made * torch.exp(2 * off))).clamp(max=0.5)
    return _no_longer(case, slope * far, largest * torch.expm1(rounded), count + 10, found)


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
