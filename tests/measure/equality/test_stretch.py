"""A bound of the largest singular value, against a decomposition."""

import pytest
import torch

from spikewright.measure.equality import stretch
from spikewright.measure.equality.stretch import largest_stretch

GENERATOR = torch.Generator().manual_seed(5)


@pytest.mark.parametrize("shape", [(3, 40), (40, 3), (2, 4, 7, 7), (1, 1), (60, 60)])
def test_it_is_no_less_than_the_largest_singular_value_and_little_more(shape: tuple[int, ...]) -> None:
    matrix = torch.randn(*shape, generator=GENERATOR).double()
    exact = torch.linalg.svdvals(matrix)[..., 0]
    found = largest_stretch(matrix)
    assert bool((found >= exact).all())
    assert bool((found <= exact * min(shape[-2:]) ** (1 / 32) * 1.001).all())


def test_sizes_far_apart_are_as_exact() -> None:
    matrix = torch.randn(5, 6, generator=GENERATOR).double()
    for scale in (1e-60, 1e60):
        assert float(largest_stretch(matrix * scale) / largest_stretch(matrix) / scale) == pytest.approx(1)
    assert float(largest_stretch(torch.zeros(3, 3))) == 0


def test_a_wide_matrix_is_taken_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretch, "_LARGEST", 4)
    matrix = torch.eye(9).double()
    assert float(largest_stretch(matrix)) == pytest.approx(3, rel=1e-5)
    assert float(largest_stretch(matrix[:4])) == pytest.approx(1, rel=0.05)
