"""Each operation, and its meaning, against NumPy's loops; what it counts as its work; what cannot be one."""

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from spikewright.ann.interpreter import MEANING
from spikewright.ann.ops import Graded, Operation, Work
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
    as_length,
)
from spikewright.ann.ops.moves import Identity
from spikewright.ann.ops.pools import AdaptiveMaxPool, MaxPool
from spikewright.errors import BadSetting

SHAPE = (3, 2, 4)
GENERATOR = np.random.default_rng(5)
A, B = GENERATOR.normal(size=(2, *SHAPE)), GENERATOR.normal(size=(2, *SHAPE)) + 3
GATE = GENERATOR.normal(size=(2, 3, 1, 1))


def _rows(x: np.ndarray, dims: tuple[int, ...]):
    """Index of each row over `dims`, with all else fixed."""
    others = [range(size) if axis not in dims else [slice(None)] for axis, size in enumerate(x.shape)]
    return itertools.product(*others)


def _normalised(x: np.ndarray, dims: tuple[int, ...], epsilon: float, *, centred: bool) -> np.ndarray:
    made = np.empty_like(x)
    for row in _rows(x, dims):
        values = x[row].ravel().tolist()
        mean = sum(values) / len(values) if centred else 0.0
        variance = sum((value - mean) ** 2 for value in values) / len(values)
        made[row] = (x[row] - mean) / (variance + epsilon) ** 0.5
    return made


def _softmax(x: np.ndarray, dim: int) -> np.ndarray:
    made = np.empty_like(x)
    for row in _rows(x, (dim,)):
        shares = [np.exp(value) for value in x[row]]
        made[row] = [share / sum(shares) for share in shares]
    return made


def _length(x: np.ndarray, dims: tuple[int, ...], least: float) -> np.ndarray:
    made = np.empty([1 if axis in dims else size for axis, size in enumerate(x.shape)])
    for row in _rows(x, dims):
        made[tuple(slice(None) if isinstance(at, slice) else at for at in row)] = max(
            sum(value**2 for value in x[row].ravel()) ** 0.5, least
        )
    return made


def _products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    made = np.zeros((*a.shape[:-1], b.shape[-1]))
    for index in np.ndindex(made.shape):
        made[index] = sum(a[(*index[:-1], k)] * b[(*index[:-2], k, index[-1])] for k in range(a.shape[-1]))
    return made


CASES: dict[str, tuple[Operation, list[np.ndarray], np.ndarray, Work]] = {
    "multiply": (Multiply(), [A, B], A * B, Work(macs=24)),
    "gate": (Multiply(), [GATE, A], GATE * A, Work(macs=24)),
    "divide": (Divide(), [A, B], A / B, Work(divisions=24)),
    "reciprocal": (Reciprocal(), [B], 1 / B, Work(divisions=24)),
    "larger": (Larger(), [A, B - 3], np.where(A > B - 3, A, B - 3), Work(comparisons=24)),
    "smaller": (Smaller(), [A, B - 3], np.where(A < B - 3, A, B - 3), Work(comparisons=24)),
    "matmul": (MatMul(), [A, B.swapaxes(2, 3)], _products(A, B.swapaxes(2, 3)), Work(macs=3 * 2 * 2 * 4)),
    "normalise": (
        Normalise(dims=(3,), epsilon=0.1),
        [A],
        _normalised(A, (3,), 0.1, centred=True),
        Work(additions=48, multiplications=48, roots=6),
    ),
    "normalise two axes": (
        Normalise(dims=(1, 3), epsilon=0.0),
        [A],
        _normalised(A, (1, 3), 0.0, centred=True),
        Work(additions=48, multiplications=48, roots=2),
    ),
    "root mean square": (
        Normalise(dims=(2, 3), epsilon=1e-3, centred=False),
        [B],
        _normalised(B, (2, 3), 1e-3, centred=False),
        Work(additions=24, multiplications=48, roots=3),
    ),
    "softmax": (
        Softmax(dim=2),
        [A],
        _softmax(A, 2),
        Work(exponentials=24, comparisons=24, additions=24, multiplications=24, divisions=12),
    ),
    "length": (Length(dims=(3,), keepdim=True), [A], _length(A, (3,), 0), Work(24, 24, 24)._replace(macs=0, roots=6)),
    "length at least": (
        Length(dims=(1, 2), keepdim=False, least=2.0),
        [A],
        _length(A, (1, 2), 2.0)[:, 0, 0],
        Work(multiplications=24, additions=24, roots=4, comparisons=4),
    ),
    "max pool": (
        MaxPool(kernel=(1, 2), stride=(1, 2), padding=(0, 0), dilation=(1, 1)),
        [A],
        A.reshape(2, 3, 2, 2, 2).max(-1),
        Work(comparisons=12),
    ),
    "adaptive max pool": (
        AdaptiveMaxPool(size=(1, 3)),  # windows {0,1}, {1,2}, {2,3} of four
        [A],
        np.stack([A[..., k : k + 2].max((2, 3)) for k in range(3)], -1)[:, :, None],
        Work(comparisons=3 * (2 * 2 * 3) - 9),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_operation_and_its_meaning_compute_what_loops_do(name: str) -> None:
    op, inputs, expected, _ = CASES[name]
    given = [torch.from_numpy(x) for x in inputs]
    for made in (op(given), MEANING[op](op, given, {}, False)):
        np.testing.assert_allclose(made.numpy(), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", CASES)
def test_what_it_costs(name: str) -> None:
    op, inputs, expected, work = CASES[name]
    assert op.work([x.shape[1:] for x in inputs], expected.shape[1:]) == work
    assert not op.linear
    assert op.in_plan
    assert op.takes(len(inputs))
    assert not op.takes(len(inputs) + 1)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if isinstance(case[0], Graded)])
def test_an_elementwise_one_looks_at_its_own_place_alone(name: str) -> None:
    op, inputs, _, _ = CASES[name]
    given = [torch.from_numpy(x).clone() for x in inputs]
    before, changed = op(given), False
    for by in (50, -100):
        given[0].view(-1)[0] += by
        changed = changed | (op(given) != before).view(-1)
    assert bool(changed[0])
    if given[0].shape == before.shape:
        assert bool(changed[1:].any()) != op.elementwise


def test_lengths_and_matrix_products_say_where_channels_are() -> None:
    assert Length(dims=(1,), keepdim=False).channel_axis(1, SHAPE, (2, 4)) == 0
    assert Length(dims=(1,), keepdim=False).channel_axis(0, SHAPE, (2, 4)) == 0
    assert Length(dims=(2,), keepdim=False).channel_axis(2, SHAPE, (3, 4)) == 1
    assert Length(dims=(2,), keepdim=True).channel_axis(2, SHAPE, (3, 1, 4)) == 2
    assert MatMul().channel_axis(0, (2, 3), (2, 5)) == 1
    assert as_length(Identity()) is None


def test_work_adds_up() -> None:
    assert Work(1, 2, 3, 4, 5, 6, 7).plus(Work(additions=10, roots=1)) == Work(1, 2, 13, 4, 5, 7, 7)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Normalise(dims=(), epsilon=1e-5), r"normalise: axes \[\]"),
        (lambda: Normalise(dims=(0, 1), epsilon=1e-5), "name axes of features"),
        (lambda: Normalise(dims=(1, 1), epsilon=1e-5), "each once"),
        (lambda: Normalise(dims=(1,), epsilon=-1.0), "epsilon is -1.0"),
        (lambda: Normalise(dims=(1,), epsilon=float("nan")), "epsilon is nan"),
        (lambda: Softmax(dim=0), r"softmax: axes \[0\]"),
        (lambda: Length(dims=(99,), keepdim=True), r"length: axes \[99\]"),
        (lambda: Length(dims=(1,), keepdim=True, least=float("inf")), "the least is inf"),
    ],
)
def test_what_cannot_be(make, words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        make()


def test_gradients_pass_through() -> None:
    """Training of a captured source differentiates meanings."""
    for op, inputs, _, _ in CASES.values():
        given = [torch.from_numpy(x).clone().requires_grad_() for x in inputs]
        made: Tensor = MEANING[op](op, given, {}, True)
        made.square().sum().backward()
        assert all(x.grad is not None and bool(x.grad.isfinite().all()) for x in given)
