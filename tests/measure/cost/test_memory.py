"""Bytes by hand."""

import pytest
from support.by_hand import Builder, conv2d

from spikewright.ann.ops.moves import Reshape
from spikewright.ann.ops.pools import MaxPool
from spikewright.ann.ops.products import Linear
from spikewright.ann.source import INPUT
from spikewright.conversion.quantise import quantise
from spikewright.errors import BadSetting
from spikewright.measure.cost.memory import memory_bytes
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.code import Code
from spikewright.snn.formats.uniform import Uniform


def small() -> Blueprint:
    net = Builder((1, 4, 4))
    pool = MaxPool(kernel=(2, 2), stride=(2, 2), padding=(0, 0), dilation=(1, 1))
    net.add("a", conv2d(), INPUT, weight=net.weight(3, 1, 1, 1), code=Code.rate(2), before=[pool])
    net.add("flat", Reshape(shape=(12,)), "a")
    net.add("b", Linear(), "flat", weight=net.weight(7, 12), code=Code.rate(2))
    net.arrays["b.bias"] = net.weight(7)
    net.add("out", Linear(), "b", weight=net.weight(2, 7))
    return net.done()


def test_bytes_of_float32() -> None:
    found = memory_bytes(small())
    assert found.weight_bytes == 4 * (3 + 84 + 14)
    assert found.bias_bytes == 4 * 7
    assert found.membrane_bytes_peak == 4 * 3 * 16  # before the max pool
    assert found.membrane_bytes_all == 4 * (48 + 7)


def test_bytes_of_few_bits_are_rounded_up_once() -> None:
    found = memory_bytes(small(), weight_bits=1, membrane_bits=3)
    assert found.weight_bytes == 13  # 101 bits
    assert found.membrane_bytes_peak == 18
    assert found.membrane_bytes_all == 21  # 165 bits


@pytest.mark.parametrize("name", ["weight_bits", "membrane_bits"])
def test_less_than_a_bit_is_refused(name: str) -> None:
    with pytest.raises(BadSetting, match=name):
        memory_bytes(small(), **{name: 0})


def test_stored_weights_count_in_their_own_bits_each_rounded_up() -> None:
    blueprint = quantise(small(), Uniform(bits=3))
    found = memory_bytes(blueprint)
    assert found.weight_bytes == 2 + 32 + 6  # 3, 84 and 14 weights of 3 bits
    assert found.gain_bytes == 4 * 3  # one scale a tensor
    assert found.bias_bytes == 4 * 7
    assert found.constant_bytes == 4 * sum(
        array.numel() for name, array in blueprint.arrays.items() if name.endswith(("threshold", "potential", "tude"))
    )
    assert found.artefact_bytes == 40 + 12 + 28 + found.constant_bytes
