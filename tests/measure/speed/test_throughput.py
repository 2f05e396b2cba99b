"""Throughput: measured on the network itself, told in order, refused without inputs."""

import pytest
import torch
from support.by_hand import Builder

from spikewright.ann.ops.products import Linear
from spikewright.ann.source import INPUT
from spikewright.engines.network import build
from spikewright.errors import BadData
from spikewright.measure.speed import throughput as speed


def test_the_median_rate_of_batches_of_one_size(monkeypatch: pytest.MonkeyPatch) -> None:
    net = Builder((3,))
    net.add("out", Linear(), INPUT, weight=net.weight(2, 3))
    ticks = iter([0.0, 0.0, 1.0, 1.0, 3.0, 3.0, 7.0, 7.0, 8.0, 8.0, 9.9])
    monkeypatch.setattr(speed.time, "perf_counter", lambda: next(ticks))
    reported: list[tuple[str, int, int]] = []
    batches = [torch.zeros(8, 3), torch.zeros(8, 3), torch.zeros(2, 3)]
    rate = speed.samples_per_second(build(net.done()), batches, on_progress=lambda *step: reported.append(step))
    assert rate == pytest.approx(8 / 1.9)  # seconds 1, 2, 4, 1, 1.9
    assert reported == [("speed", index, 5) for index in range(1, 6)]


def test_no_inputs_are_refused() -> None:
    net = Builder((3,))
    net.add("out", Linear(), INPUT, weight=net.weight(2, 3))
    with pytest.raises(BadData, match="at least one input"):
        speed.samples_per_second(build(net.done()), [])
