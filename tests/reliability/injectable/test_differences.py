"""Which images differ, and what changed weights add: the same from a few numbers and, in compiled loops, from many."""

import numpy as np
import pytest
import torch

from spikewright.reliability.injectable import differences
from spikewright.reliability.injectable.differences import add_changes, rows_that_differ

FEW, MANY = 10**9, 0


@pytest.mark.parametrize("compiled_from", [FEW, MANY])
@pytest.mark.parametrize("shape", [(3, 7), (3, 7, 5), (2, 7, 3, 2, 2)])
def test_images_that_differ_anywhere(
    shape: tuple[int, ...], compiled_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(differences, "_WORTH_COMPILED", compiled_from)
    before = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    value = before.clone()
    assert not rows_that_differ(value, before).any()
    first, last = (0, 1, *(0,) * (len(shape) - 2)), (shape[0] - 1, 4, *(size - 1 for size in shape[2:]))
    value[first] += 1
    value[last] -= 1
    value[0, 6] = before[0, 6] = float("nan")
    assert rows_that_differ(value, before).tolist() == [False, True, False, False, True, False, True]


def test_as_many_as_there_are_in_a_layer() -> None:
    before = torch.zeros(2, 8, 4096)
    assert before.numel() == differences._WORTH_COMPILED
    value = before.clone()
    value[1, 5, 4095] = 1
    assert rows_that_differ(value, before).tolist() == [index == 5 for index in range(8)]


@pytest.mark.parametrize("compiled_from", [FEW, MANY])
def test_what_changed_weights_add(compiled_from: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(differences, "_WORTH_COMPILED", compiled_from)
    draw = np.random.default_rng(0)
    read, made = draw.integers(0, 3, (2, 4, 3)).astype(float), draw.integers(-9, 9, (2, 5, 3)).astype(float)
    rows, columns, deltas = np.array([0, 0, 4]), np.array([1, 3, 2]), np.array([5.0, -2.0, 7.0])
    weight = np.zeros((5, 4))
    weight[rows, columns] = deltas
    expected = made + np.stack([weight @ step for step in read])
    add_changes(made, read, (read != 0).any(2), rows, columns, deltas)
    assert np.array_equal(made, expected)
