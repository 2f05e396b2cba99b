"""A linear map of spikes against PyTorch's, values and gradients, and when it takes which way."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import linear

from spikewright.engines.scan.event_linear import event_linear


def spikes(rows: int, inputs: int, density: float, seed: int = 0) -> Tensor:
    return (torch.rand(rows, inputs, generator=torch.Generator().manual_seed(seed)) < density).float()


@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(1, 40),
    inputs=st.integers(1, 60),
    outputs=st.sampled_from([1, 10, 128, 150]),
    density=st.sampled_from([0.0, 0.05, 0.15, 0.9]),
    has_bias=st.booleans(),
)
def test_values_and_gradients_are_those_of_linear(
    seed: int, rows: int, inputs: int, outputs: int, density: float, has_bias: bool
) -> None:
    """Weights and gradients in eighths: every sum is exact, whatever its order."""
    generator = torch.Generator().manual_seed(seed)

    def eighths(*size: int) -> Tensor:
        return torch.randint(-16, 17, size, generator=generator) / 8

    x = spikes(rows, inputs, density, seed).requires_grad_()
    weight, outer = eighths(outputs, inputs).requires_grad_(), eighths(rows, outputs)
    bias = eighths(outputs).requires_grad_() if has_bias else None
    wanted = [x, weight] if bias is None else [x, weight, bias]
    ours, expected = event_linear(x, weight, bias), linear(x, weight, bias)
    assert torch.equal(ours, expected)
    found = torch.autograd.grad(ours, wanted, outer)
    for mine, other in zip(found, torch.autograd.grad(expected, wanted, outer), strict=True):
        assert torch.equal(mine, other)


def test_real_weights_and_graded_inputs_up_to_the_order_of_sums() -> None:
    generator = torch.Generator().manual_seed(0)
    x = spikes(64, 300, 0.15) * torch.rand(64, 300, generator=generator)
    weight = torch.randn(200, 300, generator=generator)
    assert torch.allclose(event_linear(x, weight), x @ weight.t(), rtol=1e-5, atol=1e-5)


def way(x: Tensor, weight: Tensor) -> str:
    out = event_linear(x, weight.requires_grad_())
    assert out.grad_fn is not None
    return out.grad_fn.name()


def test_events_serve_where_they_are_few_and_outputs_many() -> None:
    x, weight = spikes(20, 100, 0.1), torch.ones(128, 100)
    assert way(x, weight) == "_EventsBackward"
    assert way(spikes(100, 20, 0.1).t(), weight) == "_EventsBackward"
    for other in (spikes(20, 100, 0.5), torch.rand(20, 100), x.reshape(2, 10, 100)):
        assert way(other, weight) != "_EventsBackward"
    assert way(x, torch.ones(127, 100)) != "_EventsBackward"
    assert way(x.double(), weight.detach().double()) != "_EventsBackward"


def test_gradients_come_only_where_they_are_wanted() -> None:
    x, weight = spikes(20, 100, 0.1), torch.ones(128, 100)
    assert not event_linear(x, weight).requires_grad
    only_x = x.clone().requires_grad_()
    event_linear(only_x, weight).sum().backward()
    assert only_x.grad is not None
    assert torch.equal(only_x.grad, torch.full((20, 100), 128.0))
    assert weight.grad is None


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_results_do_not_depend_on_the_number_of_threads(two_threads: None) -> None:
    generator = torch.Generator().manual_seed(0)
    x, outer = spikes(500, 400, 0.15), torch.randn(500, 150, generator=generator)
    weight = torch.randn(150, 400, generator=generator).requires_grad_()
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        out = event_linear(x, weight)
        found.append((out.detach(), *torch.autograd.grad(out, weight, outer)))
    assert all(torch.equal(one, two) for one, two in zip(*found, strict=True))
