"""Losses over time against NumPy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spikewright.training.snn.losses import CORRECT, INCORRECT, LOSSES, OF_SPIKES, regulation

GENERATOR = torch.Generator().manual_seed(4)
OUTPUT = torch.randn(5, 7, 4, generator=GENERATOR, dtype=torch.float64) * 2
LABELS = torch.tensor([0, 1, 2, 3, 3, 2, 0])


def cross_entropy(logits: np.ndarray, labels: np.ndarray, smoothing: float) -> float:
    """Mean over the rows of −Σ target · log softmax, the target being mixed with the even one."""
    total = 0.0
    for row, label in zip(logits, labels, strict=True):
        log_softmax = row - row.max() - np.log(np.exp(row - row.max()).sum())
        target = np.full(len(row), smoothing / len(row))
        target[label] += 1 - smoothing
        total -= float((target * log_softmax).sum())
    return total / len(logits)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropies_of_means_sums_and_steps(smoothing: float) -> None:
    output, labels = OUTPUT.numpy(), LABELS.numpy()
    expected = {
        "mean": cross_entropy(output.mean(0), labels, smoothing),
        "sum": cross_entropy(output.sum(0), labels, smoothing),
        "count": cross_entropy(output.sum(0), labels, smoothing),
        "tet": float(np.mean([cross_entropy(step, labels, smoothing) for step in output])),
    }
    for name, value in expected.items():
        assert float(LOSSES[name](OUTPUT, LABELS, smoothing)) == pytest.approx(value, rel=1e-12), name


def test_weights_of_classes_are_those_of_samples() -> None:
    """Every sample as often as its class weighs: the mean over these is the weighted mean."""
    often = torch.tensor([3, 1, 2, 1])
    repeated = torch.repeat_interleave(torch.arange(7), often[LABELS])
    for name in ("mean", "sum", "tet", "count"):
        expected = float(LOSSES[name](OUTPUT[:, repeated], LABELS[repeated], 0.0, None))
        assert float(LOSSES[name](OUTPUT, LABELS, 0.0, often.double())) == pytest.approx(expected, rel=1e-12), name


def test_the_mean_square_of_rates_and_its_smallest_value() -> None:
    spikes = (OUTPUT > 0).double()
    rates, total = spikes.numpy().mean(0), 0.0
    for sample, label in enumerate(LABELS.tolist()):
        for neuron in range(4):
            total += (rates[sample, neuron] - (CORRECT if neuron == label else INCORRECT)) ** 2
    assert float(LOSSES["count_mse"](spikes, LABELS, 0.0)) == pytest.approx(total / rates.size, rel=1e-12)
    right = torch.full((5, 7, 4), INCORRECT).scatter(2, LABELS.expand(5, 7).unsqueeze(2), CORRECT)
    assert float(LOSSES["count_mse"](right, LABELS, 0.0)) == pytest.approx(0.0, abs=1e-14)


def test_an_output_that_is_the_same_at_every_step_may_be_an_expanded_view() -> None:
    for name, loss in LOSSES.items():
        once = OUTPUT[:1].clone().requires_grad_()
        whole = OUTPUT[:1].expand(5, 7, 4).contiguous().requires_grad_()
        one, two = loss(once.expand(5, 7, 4), LABELS, 0.0), loss(whole, LABELS, 0.0)
        assert float(one.detach()) == pytest.approx(float(two.detach()), rel=1e-12), name
        one.backward()
        two.backward()
        assert once.grad is not None and whole.grad is not None
        torch.testing.assert_close(once.grad[0], whole.grad.sum(0))


def test_which_losses_need_spikes() -> None:
    assert set(LOSSES) > OF_SPIKES
    assert {name for name in LOSSES if name.startswith("count")} == OF_SPIKES


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_regulation_leaves_the_first_layer_alone(rates: list[float]) -> None:
    given_rates = torch.tensor(rates, dtype=torch.float64, requires_grad=True)
    expected = sum((rate - 0.5) ** 2 for rate in rates[1:])
    found = regulation(given_rates)
    assert float(found.detach()) == pytest.approx(expected, abs=1e-14)
    found.backward()
    assert given_rates.grad is not None
    assert given_rates.grad.tolist() == pytest.approx([0.0, *(2 * (rate - 0.5) for rate in rates[1:])])
