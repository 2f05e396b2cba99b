"""What pools add to the bound: as many terms as their windows may hold, and the steps whose largest is taken."""

import pytest
import torch

from spikewright.ann.ops import Operation
from spikewright.ann.ops.pools import AdaptiveAveragePool, AveragePool, MaxPool, Mean
from spikewright.ann.source import SourceNode
from spikewright.measure.equality.bounds import Case, Size
from spikewright.measure.equality.reference import BOUNDS

X = torch.arange(1.0, 36.0).double().reshape(1, 1, 5, 7)


@pytest.mark.parametrize(
    ("op", "terms"),
    [
        (AveragePool(kernel=(2, 3), stride=(2, 3), padding=(0, 0)), 2 * 3 + 1),
        (MaxPool(kernel=(2, 2), stride=(2, 2), padding=(0, 0), dilation=(1, 1)), 4),
        (Mean(dims=(2, 3), keepdim=True), 2 * 35 + 1),
        (AdaptiveAveragePool(size=(2, 3)), 2 * 6 + 1),  # 35 numbers in 6 windows: 6 each, up to 3 · 3 of them
    ],
)
def test_terms(op: Operation, terms: int) -> None:
    made = op([X])
    node = SourceNode(name="n", op=op, inputs=("x",), shape=tuple(made.shape[1:]))
    found = BOUNDS[op](Case(node, [Size(X, 7)], [X], made, {}, steps=4))
    assert found.terms == 7 + terms
    torch.testing.assert_close(found.magnitude, made, rtol=1e-12, atol=0)
