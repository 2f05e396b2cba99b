"""Shapes without data, against what the operations make of numbers."""

import pytest
import torch

from spikewright.ann.ops.moves import Permute, Reshape
from spikewright.ann.ops.pools import MaxPool
from spikewright.ann.ops.products import Conv, Linear
from spikewright.ann.shapes import blank, require_channels, shape_made, stand_in


def test_stand_ins_have_a_shape_and_no_memory() -> None:
    assert blank((3, 4)).shape == (0, 3, 4)
    assert blank((3, 4), samples=2).shape == (2, 3, 4)
    found = stand_in(torch.zeros(500, 400, dtype=torch.int8))
    assert (found.shape, found.dtype, found.untyped_storage().nbytes()) == ((500, 400), torch.float32, 4)


def test_shapes_are_those_of_numbers() -> None:
    conv = Conv(stride=(2, 1), padding=(1, 0), dilation=(1, 2), groups=2)
    weight = torch.randn(6, 2, 3, 2)
    expected = conv([torch.randn(5, 4, 9, 8)], weight).shape[1:]
    assert shape_made(conv, [(4, 9, 8)], lambda inputs: conv(inputs, stand_in(weight))) == expected
    pool = MaxPool(kernel=(3, 2), stride=(2, 2), padding=(1, 0), dilation=(1, 1), ceil_mode=True)
    assert shape_made(pool, [(4, 9, 7)], pool) == pool([torch.randn(5, 4, 9, 7)]).shape[1:]
    assert shape_made(Reshape(shape=(12,)), [(3, 4)], Reshape(shape=(12,))) == (12,)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(RuntimeError):
        shape_made(Linear(), [(5,)], lambda inputs: Linear()(inputs, stand_in(torch.zeros(3, 4))))
    with pytest.raises(RuntimeError):  # without any samples, no number of elements would be wrong
        shape_made(Reshape(shape=(13,)), [(3, 4)], Reshape(shape=(13,)))
    with pytest.raises(RuntimeError, match="another number of them"):
        shape_made(Permute(dims=(1, 0)), [(2,)], Permute(dims=(1, 0)))


def test_channels_that_a_weight_is_not_for() -> None:
    """A transposed convolution of no samples takes any: its weight is [in, out / groups, *]."""
    two, none = (2, 2), (0, 0)
    up = Conv(stride=two, padding=none, dilation=(1, 1), groups=2, transposed=True, output_padding=none)
    weight = torch.zeros(4, 3, 2, 2)
    assert shape_made(up, [(4, 5, 5)], lambda inputs: up(inputs, stand_in(weight))) == (6, 10, 10)
    require_channels(up, (4, 5, 5), weight)
    with pytest.raises(ValueError, match="its weight takes 4 channels, and 6 come"):
        require_channels(up, (6, 5, 5), weight)
    require_channels(Linear(), (7, 4), torch.zeros(3, 4))
    with pytest.raises(ValueError, match="its weight takes 4 channels, and 7 come"):  # of tokens, features are last
        require_channels(Linear(), (4, 7), torch.zeros(3, 4))
    require_channels(MaxPool(kernel=(2,), stride=(2,), padding=(0,), dilation=(1,), ceil_mode=False), (9, 9), None)
