"""Images of a split, so many and no more."""

import numpy as np
import pytest
import torch

from spikewright.app.runs import acquire
from spikewright.data import ImageData, load


@pytest.fixture(scope="module")
def digits() -> ImageData:
    return load("digits")


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1]), (50, [50]), (100, [50, 50]), (120, [50, 50, 20]), (None, None)])
def test_labelled_images_are_the_first_ones_in_batches_that_are_full(
    limit: int | None, sizes: list[int] | None, digits: ImageData
) -> None:
    found = acquire.labelled(digits.test, digits, limit=limit)
    assert sizes is None or [len(x) for x, _ in found] == sizes
    whole = torch.cat([x for x, _ in found])
    count = len(digits.test) if limit is None else limit
    assert torch.equal(whole, digits.preparation(torch.from_numpy(digits.test.inputs[:count].copy())))
    assert np.array_equal(torch.cat([labels for _, labels in found]).numpy(), digits.test.labels[:count])
    assert all(len(x) == len(labels) > 0 for x, labels in found)


def test_inputs_are_drawn_by_the_seed_or_the_first_ones(digits: ImageData) -> None:
    first = torch.cat(acquire.inputs(digits.train, digits, limit=128))
    assert torch.equal(first, digits.preparation(torch.from_numpy(digits.train.inputs[:128].copy())))
    drawn = [torch.cat(acquire.inputs(digits.train, digits, limit=128, seed=seed)) for seed in (1, 1, 2)]
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])
    assert all(len(x) for x in acquire.inputs(digits.train, digits, limit=128, seed=1)) and len(drawn[0]) == 128
