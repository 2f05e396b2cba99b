"""Histograms of activations against counting by hand."""

import math

import numpy as np
import pytest
import torch
from support.converted import captured

from spikewright.ann import interpreter
from spikewright.ann.ops.activations import Activation
from spikewright.ann.source import Source
from spikewright.conversion.observe import BINS, observe
from spikewright.errors import BadData


def test_counts_tops_and_shares() -> None:
    source, x, _ = captured("conv_bn_relu")
    statistics = observe(source, [x[:3], x[3:]])
    values: dict[str, torch.Tensor] = {}
    interpreter.run(
        source,
        x,
        watch=lambda node, value: values.update({node.name: value}) if isinstance(node.op, Activation) else None,
    )
    assert set(statistics) == set(values)
    for name, value in values.items():
        histogram = statistics[name]
        channels = value.transpose(0, 1).flatten(1).numpy()
        np.testing.assert_allclose(histogram.top.numpy(), channels.max(1))
        assert histogram.total == channels.shape[1]
        assert histogram.active_share == pytest.approx((channels > 0).mean())
        for channel, counts in zip(channels, histogram.counts.numpy(), strict=True):
            assert counts.sum() == (channel > 0).sum()
            edges = np.linspace(0, channel.max(), BINS + 1)
            expected, _ = np.histogram(-channel[channel > 0], -edges[::-1])
            assert np.abs(np.cumsum(counts) - np.cumsum(expected[::-1])).max() <= 1


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9, 0.99, 1.0])
def test_percentile(share: float) -> None:
    source, x, statistics = captured("mlp")
    values: list[torch.Tensor] = []
    interpreter.run(
        source, x, watch=lambda node, value: values.append(value) if isinstance(node.op, Activation) else None
    )
    for histogram, value in zip(statistics.values(), values, strict=True):
        expected = np.quantile(value.numpy(), share, method="inverted_cdf")
        assert histogram.percentile(share) == pytest.approx(expected, abs=float(histogram.top.max()) / BINS)


def test_order_and_cut_of_batches_do_not_matter() -> None:
    source, x, statistics = captured("resnet")
    again = observe(source, iter([x[4:], x[:1], x[1:4]]))
    for name, histogram in statistics.items():
        torch.testing.assert_close(again[name].top, histogram.top)
        assert again[name].total == histogram.total
        assert float((again[name].counts.cumsum(1) - histogram.counts.cumsum(1)).abs().max()) <= 2


@pytest.mark.parametrize("batches", [[], [torch.zeros(0, 10)], [torch.full((2, 10), float("inf"))]])
def test_bad_inputs(batches: list[torch.Tensor]) -> None:
    source, _, _ = captured("mlp")
    with pytest.raises(BadData):
        observe(source, batches)


def test_an_activation_that_overflows_is_refused() -> None:
    source, x, _ = captured("mlp")
    large = {name: array * 1e30 for name, array in source.arrays.items()}
    with pytest.raises(BadData, match="activation '1' is not finite"):
        observe(type(source).of(source.input_shape, source.nodes, large), [x * 1e30])


@pytest.mark.parametrize("at_once", [1, 2000, 40_000])
def test_slices_and_values_that_are_not_stored_give_the_same(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    source, x, _ = captured("mlp")
    whole = {name: _by_hand(value) for name, value in _activations(source, x.double()).items()}
    monkeypatch.setattr("spikewright.conversion.observe.AT_ONCE", at_once)
    double = type(source).of(source.input_shape, source.nodes, {k: a.double() for k, a in source.arrays.items()})
    found = observe(double, [x.double()])
    for name, (total, positive) in whole.items():
        assert found[name].total == total
        assert int(found[name].counts.sum()) == positive


def _activations(source: Source, x: torch.Tensor) -> dict[str, torch.Tensor]:
    values: dict[str, torch.Tensor] = {}
    arrays = {name: array.double() for name, array in source.arrays.items()}
    interpreter.run(source, x, arrays=arrays, watch=lambda node, value: values.update({node.name: value}))
    return {node.name: values[node.name] for node in source.activations}


def _by_hand(value: torch.Tensor) -> tuple[int, int]:
    return value.shape[0], int((value > 0).sum())


def test_inputs_of_another_shape_or_kind() -> None:
    source, x, statistics = captured("mlp")
    with pytest.raises(BadData, match=r"calibration: inputs have shape \(11,\), the network takes \(10,\)"):
        observe(source, [torch.zeros(2, 11)])
    with pytest.raises(BadData, match="normalise them first"):
        observe(source, [torch.zeros(2, 10, dtype=torch.int64)])
    for name, histogram in observe(source, [x.double()]).items():
        assert torch.equal(histogram.counts, statistics[name].counts)


def test_progress_counts_the_inputs_of_both_passes() -> None:
    source, x, _ = captured("mlp")
    seen: list[tuple[int, int]] = []
    observe(source, [x[:2], x[2:]], on_progress=lambda what, done, total, note="": seen.append((done, total)))
    total = 2 * len(x)
    assert seen == [(2, total), (len(x), total), (len(x) + 2, total), (total, total)]


def test_values_that_fit_into_memory_are_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices are so small that the first one's values can be stored, and of those that cannot there are two runs."""
    source, x, statistics = captured("mlp")
    sample = sum(math.prod(node.shape) for node in source.activations) * 4
    runs: list[int] = []
    plain = interpreter.run

    def counted(source: Source, x: torch.Tensor, **settings: object) -> object:
        runs.append(len(x))
        return plain(source, x, **settings)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr("spikewright.conversion.observe.AT_ONCE", 8 * sample)
    monkeypatch.setattr("spikewright.conversion.observe._STORED", 1)
    monkeypatch.setattr("spikewright.conversion.observe.samples_at_once", lambda source, limit: 1000)
    monkeypatch.setattr(interpreter, "run", counted)
    found = observe(source, [x.repeat(3, 1)[:20]])
    assert runs == [8, 8, 4, 8, 4]
    assert sum(int(each.total) for each in found.values()) == 20 * len(statistics)
