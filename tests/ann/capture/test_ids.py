"""Ids are read by a table alone."""

import pytest
import torch
from torch import Tensor, nn

from spikewright.ann import interpreter
from spikewright.ann.capture.capture import capture
from spikewright.errors import UnsupportedModule

IDS = torch.tensor([[0, 3, 1], [2, 2, 4], [4, 0, 0]])


class Tables(nn.Module):
    """Two tables, and what is done with ids before and behind them."""

    def __init__(self, compute) -> None:
        super().__init__()
        self.table, self.other, self.long = nn.Embedding(5, 2), nn.Embedding(5, 3), nn.Embedding(6, 2)
        self.compute = compute

    def forward(self, ids: Tensor) -> Tensor:
        return self.compute(self, ids)


@pytest.mark.parametrize(
    "compute",
    [
        lambda m, ids: m.table(ids),
        lambda m, ids: torch.cat([m.table(ids), m.other(ids), m.table(ids)], 2),
        lambda m, ids: m.table(ids.to(torch.int64).clone()).flatten(1),
        lambda m, ids: m.table(ids) @ m.table.weight.T,  # tied
    ],
)
def test_rows_of_tables_are_exact(compute) -> None:
    model = Tables(compute).eval()
    source = capture(model, IDS)
    assert source.input.ids == 5
    assert source.input.shape == (3,)
    torch.testing.assert_close(interpreter.run(source, IDS), model(IDS))


def test_a_table_is_stored_once() -> None:
    source = capture(Tables(lambda m, ids: m.table(ids) + m.table(ids)), IDS)
    assert list(source.arrays) == ["table.weight.columns"]
    assert source.arrays["table.weight.columns"].shape == (2, 5)


def test_one_id_a_sample() -> None:
    model = Tables(lambda m, ids: m.table(ids)).eval()
    source = capture(model, IDS[:, 0])
    assert torch.equal(interpreter.run(source, IDS[:, 1]), model(IDS[:, 1]))


@pytest.mark.parametrize(
    ("compute", "words"),
    [
        (
            lambda m, ids: m.table(ids) * (ids > 0).unsqueeze(-1),
            "of the whole numbers of input 'input'.*ids are read by nn.Embedding alone",
        ),
        (lambda m, ids: m.table(ids + 1), "add of the whole numbers"),
        (lambda m, ids: m.table(ids) + m.long(ids), "tables of 5 and of 6 rows.*give the ids twice"),
        (lambda m, ids: (m.table(ids), ids), "its output '1' is ids as they came in"),
    ],
)
def test_what_is_refused(compute, words: str) -> None:
    with pytest.raises(UnsupportedModule, match=words) as caught:
        capture(Tables(compute), IDS.clamp(max=3))
    assert "\n" not in str(caught.value).strip()
