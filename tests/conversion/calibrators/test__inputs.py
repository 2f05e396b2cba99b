"""What calibrators look at: each thing that can be wrong with it has its own words."""

from dataclasses import replace

import pytest
import torch
from support.trained import classifier, digits
from torch import Tensor

from spikewright.app.runs import acquire
from spikewright.conversion.calibrators._inputs import require_inputs
from spikewright.errors import BadData


def inputs() -> list[Tensor]:
    return acquire.inputs(digits().train, digits(), limit=20, batch_size=8)


def test_all_batches_become_one_tensor_of_float32() -> None:
    batches = inputs()
    found = require_inputs([*batches[:2], batches[2].double()], classifier())
    assert torch.equal(found, torch.cat(batches))
    assert found.dtype is torch.float32


def test_a_little_outside_the_range_is_noise() -> None:
    noisy = [batch + 0.4 * (batch.max() - batch.min()) for batch in inputs()]
    assert len(require_inputs(noisy, classifier())) == 20


@pytest.mark.parametrize(
    ("batches", "words"),
    [
        ([], "at least one input, got none"),
        ([torch.zeros(0, 1, 8, 8)], "at least one input, got none"),
        ([torch.zeros(2, 1, 8, 8), torch.zeros(2, 8, 8)], r"shape \(8, 8\), the network takes \(1, 8, 8\)"),
        ([torch.zeros(2, 1, 8, 8, dtype=torch.uint8)], r"torch.uint8.*normalise them first"),
        ([torch.full((2, 1, 8, 8), torch.nan)], "not finite: mend the data"),
        ([torch.full((2, 1, 8, 8), torch.inf)], "not finite: mend the data"),
        ([torch.rand(2, 1, 8, 8) * 255], r"run from .* to 2\d\d.*: prepare them with the source's mean and std"),
        ([torch.rand(2, 1, 8, 8) * -9], "prepare them"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(batches: list[Tensor], words: str) -> None:
    with pytest.raises(BadData, match=words) as caught:
        require_inputs(batches, classifier())
    assert len(str(caught.value).splitlines()) == 1


def test_without_a_preparation_any_range_will_do() -> None:
    source = replace(classifier(), preparation=None)
    assert len(require_inputs([torch.rand(2, 1, 8, 8) * 255], source)) == 2
