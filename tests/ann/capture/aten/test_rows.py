"""Tensors whose first axis is not the batch's: taken apart or summed they are values, as a whole they are refused."""

import pytest
import torch
from support.zoo import Net
from torch import nn
from torch.nn import functional as F

from spikewright.ann import interpreter
from spikewright.ann.capture.capture import capture
from spikewright.errors import UnsupportedModule

X = torch.randn(4, 5, 6, generator=torch.Generator().manual_seed(0))


def _parted(m, x):
    parts = F.relu(m.l(x)).reshape(x.shape[0], 5, 3, 2, 2).permute(2, 0, 3, 1, 4)
    query, key, value = parts.unbind(0)
    return query + 2 * key - value


def _indexed(m, x):
    parts = F.relu(m.l(x)).reshape(x.shape[0], 5, 3, 4).permute(2, 0, 1, 3)
    return parts[0] + parts[1] - 2 * parts[-1]


TAKEN = {
    "parted_as_in_attention": _parted,
    "indexed": _indexed,
    "summed": lambda m, x: torch.stack([m.l(x), F.relu(m.l(x))]).sum(0),
    "summed_from_the_end": lambda m, x: torch.stack([m.l(x), F.relu(m.l(x))], dim=-4).sum(-4),
    "averaged": lambda m, x: torch.stack([m.l(x), F.relu(m.l(x)), m.l(x)]).mean(dim=0),
    "one_alone": lambda m, x: torch.stack([m.l(x)]).sum(dim=[0]),
    "transposed_and_indexed": lambda m, x: F.relu(m.l(x)).transpose(0, 1)[3],
}


@pytest.mark.parametrize("name", TAKEN)
def test_one_row_or_the_sum_of_all_is_a_value(name: str) -> None:
    torch.manual_seed(0)
    net = Net(TAKEN[name], l=nn.Linear(6, 12))
    assert torch.allclose(interpreter.run(capture(net, X), X), net(X), atol=1e-5)


REFUSED = {
    "activated": lambda m, x: torch.stack([m.l(x), F.relu(m.l(x))]).relu().sum(0),
    "summed_elsewhere": lambda m, x: torch.stack([m.l(x), F.relu(m.l(x))]).sum(1),
    "returned": lambda m, x: torch.stack([m.l(x), F.relu(m.l(x))]),
    "joined": lambda m, x: torch.cat([torch.stack([m.l(x)]), torch.stack([m.l(x)])]).sum(0),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_whole_is_refused(name: str) -> None:
    torch.manual_seed(0)
    with pytest.raises(UnsupportedModule, match="the batch") as caught:
        capture(Net(REFUSED[name], l=nn.Linear(6, 12)), X)
    assert "\n" not in str(caught.value)


def test_many_rows_stay_refused() -> None:
    x = torch.randn(2, 40, 6)
    with pytest.raises(UnsupportedModule, match="keep the first axis for the batch"):
        capture(Net(lambda m, x: F.relu(m.l(x)).transpose(0, 1)[3], l=nn.Linear(6, 3)), x)
