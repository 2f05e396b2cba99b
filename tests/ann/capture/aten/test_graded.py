"""What is computed of signals and is not linear: what was captured computes what the module does."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spikewright.ann import interpreter
from spikewright.ann.capture.arguments import arguments_of
from spikewright.ann.capture.capture import capture
from spikewright.ann.capture.tracing import decomposed, export
from spikewright.ann.capture.translator import Translator
from spikewright.ann.ops.graded import Divide, Larger, Length, MatMul, Multiply, Normalise, Reciprocal, Smaller, Softmax
from spikewright.errors import UnsupportedModule

Compute = Callable[[Tensor, Tensor], Tensor]

VECTORS: dict[str, tuple[Compute, type]] = {
    "product": (lambda a, b: a * b, Multiply),
    "square": (lambda a, b: a.square() + b**2, Multiply),
    "cube": (lambda a, b: a**3 - b, Multiply),
    "one over a square": (lambda a, b: b + (a + 2) ** -2, Reciprocal),
    "quotient": (lambda a, b: a / (b + 1), Divide),
    "number by a signal": (lambda a, b: 2.5 / (b + 1) + a, Reciprocal),
    "constants by a signal": (lambda a, b: torch.arange(1.0, 5.0) / (b + 1) + a, Reciprocal),
    "reciprocal": (lambda a, b: a + torch.reciprocal(b + 1), Reciprocal),
    "larger": (torch.maximum, Larger),
    "smaller": (torch.minimum, Smaller),
    "layer norm with constants": (
        lambda a, b: F.layer_norm(a, (4,), torch.arange(4.0), torch.ones(4), 1e-3) + b,
        Normalise,
    ),
    "layer norm": (lambda a, b: F.layer_norm(a - b, (4,)), Normalise),
    "RMS norm": (lambda a, b: F.rms_norm(a - b, (4,), torch.arange(4.0), 1e-3), Normalise),
    "softmax": (lambda a, b: torch.softmax(a, -1) * b, Softmax),
    "unit length": (lambda a, b: F.normalize(a) + b, Length),
    "by its length": (lambda a, b: a / (a + 1).norm(dim=-1, keepdim=True) + b, Length),
    "length": (lambda a, b: a + torch.linalg.vector_norm(b, dim=1, keepdim=True), Length),
}
IMAGES: dict[str, tuple[Callable[[Tensor], Tensor], type]] = {
    "gate of each channel": (lambda x: x * x.mean((2, 3), keepdim=True), Multiply),
    "gate of each place": (lambda x: x * x.mean(1, keepdim=True), Multiply),
    "group norm": (lambda x: F.group_norm(x, 2, torch.arange(4.0), torch.ones(4), 1e-3), Normalise),
    "instance norm": (lambda x: F.instance_norm(x, weight=torch.arange(4.0), bias=torch.ones(4)), Normalise),
    "softmax over channels": (lambda x: torch.softmax(x, 1), Softmax),
    "unit length of channels": (lambda x: F.normalize(x, dim=1), Length),
    "matrix product": (lambda x: x @ x.transpose(-1, -2), MatMul),
    "matrix product of batches": (lambda x: torch.bmm(x.flatten(2), x.flatten(2).transpose(1, 2)), MatMul),
}


class _Two(nn.Module):
    def __init__(self, compute: Compute) -> None:
        super().__init__()
        self.compute = compute
        self.left, self.right = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.compute(torch.relu(self.left(x)), torch.relu(self.right(x)))


class _Image(nn.Module):
    def __init__(self, compute: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.compute = compute
        self.conv = nn.Conv2d(2, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.compute(torch.relu(self.conv(x)) + 0.1) * 1.5


def _same(model: nn.Module, x: Tensor, op: type) -> None:
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        source = capture(model.eval(), x)
        assert op in {type(node.op) for node in source.nodes}
        torch.manual_seed(0)
        expected = model(x)
        torch.testing.assert_close(interpreter.run(source, x), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", VECTORS)
def test_of_vectors(name: str) -> None:
    compute, op = VECTORS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _same(_Two(compute), torch.randn(5, 4), op)


@pytest.mark.parametrize("name", IMAGES)
def test_of_images(name: str) -> None:
    compute, op = IMAGES[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _same(_Image(compute), torch.randn(5, 2, 3, 3), op)


def test_a_layer_norm_of_maps_has_a_weight_for_each_place() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        norm = nn.LayerNorm((4, 3, 3))
        norm.weight.data = torch.rand(4, 3, 3)
        _same(nn.Sequential(nn.Conv2d(2, 4, 1), norm, nn.ReLU()), torch.randn(5, 2, 3, 3), Normalise)


@pytest.mark.parametrize(
    "compute",
    [lambda a, b: torch.maximum(a - b, torch.arange(4.0) / 4), lambda a, b: torch.minimum(torch.tensor(0.3), a - b)],
)
def test_an_extreme_with_a_constant_is_an_activation_between_constants(compute: Compute) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model, x = _Two(compute).eval(), torch.randn(50, 4)
    with torch.no_grad():
        source = capture(model, x)
        torch.testing.assert_close(interpreter.run(source, x), model(x))
    assert len(source.activations) == 3
    assert all(node.op.linear or node.op.activates for node in source.nodes)


def test_a_clamp_of_a_length_is_part_of_it() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        source = capture(_Two(lambda a, b: F.normalize(a, eps=0.25) + b), torch.randn(5, 4))
    assert [node.op.least for node in source.nodes if isinstance(node.op, Length)] == [0.25]
    assert len(source.activations) == 2


@pytest.mark.parametrize(
    ("compute", "words"),
    [
        (lambda a, b: a**0.5 + b, "a power that is not of a signal with a small whole exponent"),
        (lambda a, b: a**b, "a power"),
        (lambda a, b: a + torch.linalg.vector_norm(b, 1, dim=1, keepdim=True), "not the Euclidean one"),
        (lambda a, b: F.linear(a, b.mean(0, keepdim=True)), "mixes samples"),
    ],
)
def test_refused_in_a_line(compute: Compute, words: str) -> None:
    with pytest.raises(UnsupportedModule, match=words) as caught:
        capture(_Two(compute), torch.randn(5, 4))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["layer norm with constants", "softmax", "unit length", "square"])
def test_torchs_own_decomposition_means_the_same(name: str) -> None:
    compute, op = VECTORS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _same_decomposed(_Two(compute).eval(), torch.randn(5, 4), op)


@pytest.mark.parametrize("name", ["group norm", "matrix product", "softmax over channels"])
def test_torchs_own_decomposition_means_the_same_of_images(name: str) -> None:
    compute, op = IMAGES[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _same_decomposed(_Image(compute).eval(), torch.randn(5, 2, 3, 3), op)


def _same_decomposed(model: nn.Module, x: Tensor, op: type) -> None:
    with torch.no_grad():
        arguments = arguments_of(model, x)
        program, names = export(model, arguments, arguments.sized(2))
        source, obstacles = Translator(decomposed(program), arguments.inputs, names, None).translate()
        assert not obstacles
        assert op in {type(node.op) for node in source.nodes}
        torch.testing.assert_close(interpreter.run(source, x), model(x), atol=1e-5, rtol=1e-4)
