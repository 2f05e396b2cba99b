"""The bound of batch norm is the same formula on magnitudes, whatever the signs of its mean, gain and shift."""

import math

import pytest
import torch

from spikewright.ann.ops.activations import Activation, BatchNorm, Offset
from spikewright.ann.source import SourceNode
from spikewright.errors import UnsupportedModule
from spikewright.measure.equality.bounds import Case, Size
from spikewright.measure.equality.reference import BOUNDS


def _node(op: BatchNorm | Offset | Activation) -> SourceNode:
    return SourceNode(name="n", op=op, inputs=("x",), shape=(2, 3))


def test_batch_norm_on_magnitudes() -> None:
    x = torch.tensor([[[1.0, -2.0, 3.0], [0.5, -0.25, 4.0]]]).double()
    roles = {
        "mean": torch.tensor([-1.5, 2.0]).double(),
        "variance": torch.tensor([4.0, 0.25]).double(),
        "weight": torch.tensor([-3.0, 0.5]).double(),
        "bias": torch.tensor([-0.75, 1.0]).double(),
    }
    op = BatchNorm(epsilon=1e-3)
    found = BOUNDS[op](Case(_node(op), [Size(x.abs(), 7)], [x], x, roles, 4))
    assert found.error is None
    assert found.terms == 11
    for channel in range(2):
        gain = abs(float(roles["weight"][channel])) / math.sqrt(float(roles["variance"][channel]) + 1e-3)
        for place in range(3):
            magnitude = abs(float(x[0, channel, place])) + abs(float(roles["mean"][channel]))
            expected = magnitude * gain + abs(float(roles["bias"][channel]))
            assert float(found.magnitude[0, channel, place]) == pytest.approx(expected, rel=1e-12)


def test_a_constant_adds_its_magnitude_and_an_activation_is_the_references_own() -> None:
    x = torch.ones(1, 2, 3).double()
    roles = {"offset": torch.tensor(-2.0).double()}
    found = BOUNDS[Offset()](Case(_node(Offset()), [Size(x, 1)], [x], x - 2, roles, 4))
    assert torch.equal(found.magnitude, 3 * x)
    assert found.terms == 3
    with pytest.raises(UnsupportedModule, match="the reference rounds it"):
        _ = BOUNDS[Activation()]
