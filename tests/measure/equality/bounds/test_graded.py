"""Bounds of what is not linear: no disturbance of the inputs within their errors gets beyond, and some get near."""

import pytest
import torch
from torch import Tensor

from spikewright.ann.ops import Operation
from spikewright.ann.ops.graded import Divide, Larger, Length, MatMul, Multiply, Normalise, Reciprocal, Smaller, Softmax
from spikewright.ann.ops.pools import MaxPool
from spikewright.ann.source import SourceNode
from spikewright.measure.equality.bounds import EPSILON, Case, Size, carried, on_magnitudes
from spikewright.measure.equality.reference import BOUNDS

GENERATOR = torch.Generator().manual_seed(3)
X = torch.randn(2, 4, 6, generator=GENERATOR).double()
Y = torch.randn(2, 4, 6, generator=GENERATOR).double() + 4
ERROR = 1e-5  # far above what float64 rounds

CASES: dict[str, tuple[Operation, list[Tensor]]] = {
    "multiply": (Multiply(), [X, Y]),
    "square": (Multiply(), [X, X]),
    "divide": (Divide(), [X, Y]),
    "reciprocal": (Reciprocal(), [Y]),
    "larger": (Larger(), [X, Y - 4]),
    "smaller": (Smaller(), [X, Y - 4]),
    "matmul": (MatMul(), [X, Y.transpose(1, 2)]),
    "normalise": (Normalise(dims=(2,), epsilon=1e-3), [X]),
    "normalise maps": (Normalise(dims=(1, 2), epsilon=1e-3), [Y]),
    "root mean square": (Normalise(dims=(2,), epsilon=1e-3, centred=False), [Y]),
    "softmax": (Softmax(dim=2), [X]),
    "length": (Length(dims=(2,), keepdim=True, least=0.01), [X]),
}


def _size(op: Operation, inputs: list[Tensor], errors: list[Tensor]) -> Size:
    node = SourceNode(name="n", op=op, inputs=("a", "b")[: len(inputs)], shape=tuple(op(inputs).shape[1:]))
    sizes = [Size(x.abs(), 1, error) for x, error in zip(inputs, errors, strict=True)]
    return BOUNDS[op](Case(node, sizes, inputs, op(inputs), {}, 4))


def _largest_change(op: Operation, inputs: list[Tensor], errors: list[Tensor]) -> Tensor:
    """Of many corners of the box that the errors make, and the one that each result's own gradient points to."""
    found = torch.zeros_like(op(inputs))
    same = len(inputs) == 2 and inputs[0] is inputs[1]

    def look(signs: list[Tensor]) -> None:
        moved = [x + error * sign for x, error, sign in zip(inputs, errors, signs, strict=True)]
        found.copy_(torch.maximum(found, (op(moved) - op(inputs)).abs()))

    for _ in range(50):
        signs = [torch.randint(0, 2, x.shape, generator=GENERATOR).double() * 2 - 1 for x in inputs]
        look([signs[0], signs[0]] if same else signs)
    for index in range(0, op(inputs)[0].numel(), 5):
        leaves = [x.clone().requires_grad_() for x in inputs]
        signs = [slope.sign() for slope in torch.autograd.grad(op(leaves).flatten(1)[:, index].sum(), leaves)]
        look([signs[0], signs[0]] if same else signs)
    return found


@pytest.mark.parametrize("name", CASES)
def test_no_disturbance_gets_beyond_and_some_get_near(name: str) -> None:
    op, inputs = CASES[name]
    errors = [ERROR * torch.rand(x.shape, generator=GENERATOR).double() for x in inputs]
    if len(inputs) == 2 and inputs[0] is inputs[1]:
        errors[1] = errors[0]
    size = _size(op, inputs, errors)
    assert size.error is not None
    change = _largest_change(op, inputs, errors)
    assert bool((change <= size.error).all())
    assert float((change / size.error).max()) > 0.2
    assert torch.equal(size.magnitude, op(inputs).abs())


@pytest.mark.parametrize("name", CASES)
def test_without_errors_what_float32_rounds_stays_within_its_share(name: str) -> None:
    """The same operation in float32 rounds 2²⁹ times as much as in float64, on inputs that float32 holds."""
    op, inputs = CASES[name]
    given = [x.float().double() for x in inputs]
    size = _size(op, given, [torch.zeros_like(x) for x in given])
    assert size.error is not None
    off = (op([x.float() for x in given]).double() - op(given)).abs()
    assert bool((off <= size.error * 2**29).all())
    assert float(size.error.max()) < 1e-11


@pytest.mark.parametrize(
    ("op", "inputs"),
    [
        (Divide(), [X, torch.full_like(X, 1.5 * ERROR)]),
        (Reciprocal(), [torch.zeros_like(X)]),
        (Normalise(dims=(2,), epsilon=1e-12), [torch.full_like(X, 3.0)]),
    ],
)
def test_where_nothing_is_known_nothing_is_proven(op: Operation, inputs: list[Tensor]) -> None:
    error = _size(op, inputs, [torch.full_like(x, ERROR) for x in inputs]).error
    assert error is not None
    assert bool(error.isposinf().all())


def test_an_error_goes_on_through_what_is_linear_by_the_weights_magnitude() -> None:
    from spikewright.ann.ops.products import Linear

    weight, bias = torch.tensor([[1.0, -2.0], [0.0, 3.0]]).double(), torch.tensor([5.0, -7.0]).double()
    x = torch.tensor([[1.0, -1.0]]).double()
    node = SourceNode(name="n", op=Linear(), inputs=("a",), shape=(2,))
    size = Size(x.abs(), 3, torch.tensor([[0.5, 0.25]]).double())
    roles = {"weight": weight, "bias": bias}
    found = BOUNDS[Linear()](Case(node, [size], [x], x @ weight.T + bias, roles, 4))
    assert found.magnitude.tolist() == [[1 + 2 + 5, 3 + 7]]
    assert found.terms == 3 + 2 + 1
    assert found.error is not None
    assert found.error.tolist() == [[0.5 + 0.5, 0.75]]
    assert torch.equal(found.bound(8), (6 + 8) * EPSILON * found.magnitude + found.error)
    endless = Size(x.abs(), 3, torch.tensor([[torch.inf, 0.25]]).double())
    error = carried(Case(node, [endless], [x], x, roles, 4))
    assert error is not None
    assert error.tolist() == [[torch.inf, torch.inf]]  # 0 · ∞ is no number, and bounds nothing


def test_without_errors_there_are_none_and_a_max_pool_may_be_of_a_total() -> None:
    op = MaxPool(kernel=(2,), stride=(2,), padding=(0,), dilation=(1,))
    node = SourceNode(name="n", op=op, inputs=("a",), shape=(4, 3))
    case = Case(node, [Size(X.abs(), 7)], [X], op([X]), {}, 5)
    assert on_magnitudes(case, 0).error is None
    found = BOUNDS[op](case)
    assert (found.terms, found.error) == (12, None)
    assert torch.equal(found.magnitude, X.abs().unflatten(2, (3, 2)).amax(-1))
    with_error = BOUNDS[op](case._replace(inputs=[Size(X.abs(), 7, Y)])).error
    assert with_error is not None
    assert torch.equal(with_error, Y.unflatten(2, (3, 2)).amax(-1))


def test_errors_of_a_chain_grow_by_length_and_not_by_their_elements() -> None:
    """Attention, six times over: no disturbance gets beyond, and the bound stays finite where elements lose it."""
    from spikewright.ann.ops.arithmetic import Add, Scale
    from spikewright.ann.ops.moves import Permute
    from spikewright.ann.ops.products import Linear

    weights = [torch.randn(48, 48, generator=GENERATOR).double() / 15 for _ in range(4)]
    start = torch.randn(2, 5, 48, generator=GENERATOR).double()

    def chain(x: Tensor, size: Size, *, lengths: bool) -> tuple[Tensor, Size]:
        def after(op: Operation, *given: tuple[Tensor, Size], weight: Tensor | None = None) -> tuple[Tensor, Size]:
            values, sizes = [value for value, _ in given], [size for _, size in given]
            sizes = sizes if lengths else [size._replace(length=torch.full((2,), torch.inf)) for size in sizes]
            made = op(values) if weight is None else op(values, weight)
            node = SourceNode(name="n", op=op, inputs=("a", "b")[: len(given)], shape=tuple(made.shape[1:]))
            return made, BOUNDS[op](Case(node, sizes, values, made, {} if weight is None else {"weight": weight}, 1))

        stream = (x, size)
        for _ in range(6):
            normal = after(Normalise(dims=(2,), epsilon=1e-5), stream)
            q, k, v = [after(Linear(), normal, weight=weight) for weight in weights[:3]]
            scores = after(MatMul(), q, after(Permute(dims=(0, 2, 1)), k))
            share = after(Softmax(dim=2), after(Scale(), scores, weight=torch.tensor(0.1).double()))
            mixed = after(Linear(), after(MatMul(), share, v), weight=weights[3])
            stream = after(Add(), stream, mixed)
        return stream

    def of(error: float, *, lengths: bool = True) -> tuple[Tensor, Size]:
        return chain(start, Size(start.abs(), 0, torch.full_like(start, error)), lengths=lengths)

    made, size = of(1e-9)
    assert size.error is not None
    assert float(size.error.max()) < 1e-2
    change = torch.zeros_like(made)
    for _ in range(10):
        signs = torch.randint(0, 2, start.shape, generator=GENERATOR).double() * 2 - 1
        moved, _ = chain(start + 1e-9 * signs, Size(start.abs(), 0), lengths=True)
        change = torch.maximum(change, (moved - made).abs())
    assert bool((change <= size.error).all())
    assert bool((torch.linalg.vector_norm(change.flatten(1), dim=1) <= size.carried_length).all())
    by_elements = of(1e-9, lengths=False)[1].error
    assert by_elements is not None
    assert float(by_elements.max()) > 1e3 * float(size.error.max())


@pytest.mark.parametrize("name", ["matmul", "normalise", "normalise maps", "root mean square", "softmax"])
def test_a_disturbance_of_a_known_length_stays_within_the_length(name: str) -> None:
    op, inputs = CASES[name]
    node = SourceNode(name="n", op=op, inputs=("a", "b")[: len(inputs)], shape=tuple(op(inputs).shape[1:]))
    wide = [Size(x.abs(), 0, torch.full_like(x, 1e-4), torch.full((2,), 1e-4).double()) for x in inputs]
    size = BOUNDS[op](Case(node, wide, inputs, op(inputs), {}, 4))
    most = torch.zeros(2).double()
    for index in range(op(inputs)[0].numel()):
        leaves = [x.clone().requires_grad_() for x in inputs]
        slopes = [slope.flatten(1) for slope in torch.autograd.grad(op(leaves).flatten(1)[:, index].sum(), leaves)]
        moved = [
            x + (1e-4 * slope / slope.norm(dim=1, keepdim=True).clamp(min=1e-9)).reshape(x.shape)
            for x, slope in zip(inputs, slopes, strict=True)
        ]
        most = torch.maximum(most, (op(moved) - op(inputs)).flatten(1).norm(dim=1))
    assert bool((most <= size.carried_length).all())
    assert float((most / size.carried_length).max()) > 0.2
