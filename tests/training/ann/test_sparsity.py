import pytest
import torch

from spikewright.ann import interpreter
from spikewright.ann.source import Source
from spikewright.training.ann.levels import with_levels
from spikewright.training.ann.sparsity import BitPenalty, bit_sum, count_bits, per_activation, per_code


@pytest.mark.parametrize("levels", [1, 3, 7, 15, 255, 1000])
@pytest.mark.parametrize("threshold", [1.0, 0.3, 7.77])
def test_bits_match_pythons_own_count(levels: int, threshold: float) -> None:
    codes = torch.arange(levels + 1)
    a = codes.float() / levels * threshold
    got = count_bits(a, torch.tensor(threshold), levels)
    assert got.tolist() == [code.bit_count() for code in codes.tolist()]


def test_bits_of_bfloat16_activations() -> None:
    a = (torch.arange(16).float() / 15 * 0.37).bfloat16()
    assert count_bits(a, torch.tensor(0.37), 15).tolist() == [code.bit_count() for code in range(16)]


@pytest.mark.parametrize(("gradient", "inside"), [(per_activation, 4.0), (per_code, 15 / 2.5)])
def test_gradient_is_constant_between_zero_and_the_threshold(gradient, inside: float) -> None:
    codes = torch.tensor([0, 1, 7, 14, 15])
    a = (codes / 15 * 2.5).requires_grad_()
    (3 * bit_sum(a, torch.tensor(2.5), 15, gradient)).backward()
    assert a.grad is not None
    expected = [0.0 if code in (0, 15) else 3 * inside for code in codes.tolist()]
    torch.testing.assert_close(a.grad, torch.tensor(expected))


def test_penalty_adds_up_all_stages_and_divides_by_the_samples(source: Source) -> None:
    levelled = with_levels(source, 7, {"relu1": 1.3, "relu2": 0.9})
    x = torch.randn(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    penalty = BitPenalty()
    interpreter.run(levelled, x, activate=penalty)
    seen: dict[str, torch.Tensor] = {}
    interpreter.run(levelled, x, watch=lambda node, value: seen.update({node.name: value}))
    total = sum(
        round(float(value) / threshold * 7).bit_count()
        for name, threshold in (("relu1", 1.3), ("relu2", 0.9))
        for value in seen[name].flatten()
    )
    assert total > 0
    assert float(penalty.per_sample()) == pytest.approx(total / 5)


def test_penalty_of_a_plain_network_is_zero(source: Source) -> None:
    penalty = BitPenalty()
    interpreter.run(source, torch.zeros(2, 1, 8, 8), activate=penalty)
    assert float(penalty.per_sample()) == 0
