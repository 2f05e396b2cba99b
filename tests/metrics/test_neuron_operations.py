"""Shifts, compares and resets by hand."""

from metrics.build import Builder, conv2d
from spikewright import ops
from spikewright.code import Code
from spikewright.metrics.neuron_operations import neuron_operations
from spikewright.source import INPUT


def test_shifts_follow_the_incoming_train_and_compares_the_own_window() -> None:
    net = Builder((2, 6, 6))
    pool = ops.MaxPool(kernel=(2, 2), stride=(2, 2), padding=(0, 0), dilation=(1, 1))
    net.add("a", conv2d(), INPUT, weight=net.weight(3, 2, 1, 1), code=Code.bit_planes(3), before=[pool])
    net.add("mean", ops.AveragePool(kernel=(2, 2), stride=(1, 1), padding=(0, 0)), "a")
    net.add("b", conv2d(), "mean", weight=net.weight(5, 3, 1, 1), code=Code.rate(4))
    net.add("c", conv2d(), "b", weight=net.weight(2, 5, 1, 1), code=Code.bit_planes(2))
    net.add("narrow", conv2d(), "c", weight=net.weight(2, 2, 1, 1))
    net.add("flat", ops.Reshape(shape=(8,)), "narrow")
    net.add("out", ops.Linear(), "flat", weight=net.weight(3, 8))
    found = neuron_operations(net.done())
    # a reads numbers and c a rate code: no shift; b reads 3 steps, narrow 2, out the numbers of narrow
    assert found.shifts == 5 * 4 * 3 + 2 * 4 * 2
    assert found.compares == found.resets == 3 * 9 * 3 + 5 * 4 * 4 + 2 * 4 * 2
