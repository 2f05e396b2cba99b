import numpy as np
import pytest
import torch

from spikewright.ann.interpreter import run
from spikewright.ann.ops.activations import Activation
from spikewright.ann.source import Source
from spikewright.errors import BadSetting
from spikewright.training.ann.levels import SILENT, initial_thresholds, with_levels, without_levels

X = torch.randn(40, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def test_every_activation_gets_levels_and_the_source_stays(source: Source) -> None:
    made = with_levels(source, 7, {"relu1": 1.5, "relu2": torch.tensor(9.0)})
    assert [node.op for node in made.activations] == [
        Activation(cap=None, levels=7),
        Activation(cap=6.0, levels=7),
    ]
    assert float(made.arrays["relu1.threshold"]) == 1.5
    assert float(made.arrays["relu2.threshold"]) == 6.0, "lowered to the cap"
    assert all(node.op.levels is None for node in source.activations)
    assert "relu1.threshold" not in source.arrays


def test_each_activation_can_have_levels_of_its_own(source: Source) -> None:
    made = with_levels(source, {"relu1": 3, "relu2": 12}, {"relu1": 1.5, "relu2": 2.0})
    seen: dict[str, torch.Tensor] = {}
    run(made, X, watch=lambda node, value: seen.update({node.name: value}))
    for name, theta, levels in (("relu1", 1.5, 3), ("relu2", 2.0, 12)):
        codes = seen[name] / theta * levels
        assert set(codes.round().int().flatten().tolist()) == set(range(levels + 1))
        torch.testing.assert_close(codes, codes.round())


def test_a_slip_goes_to_every_activation_and_comes_off_with_the_levels(source: Source) -> None:
    made = with_levels(source, 3, {"relu1": 1.0, "relu2": 1.0}, slip=0.4)
    assert [node.op for node in made.activations] == [
        Activation(levels=3, slip=0.4),
        Activation(cap=6.0, levels=3, slip=0.4),
    ]
    assert without_levels(made).nodes == source.nodes
    with pytest.raises(BadSetting, match=r"slip is 1.0"):
        with_levels(source, 3, {"relu1": 1.0, "relu2": 1.0}, slip=1.0)


def test_outputs_of_an_activation_lie_on_the_grid(source: Source) -> None:
    made = with_levels(source, 7, {"relu1": 1.5, "relu2": 2.0})
    seen: dict[str, torch.Tensor] = {}
    run(made, X, watch=lambda node, value: seen.update({node.name: value}))
    codes = seen["relu1"] / 1.5 * 7
    torch.testing.assert_close(codes, codes.round())
    assert set(codes.round().int().flatten().tolist()) == set(range(8))


def test_many_levels_come_close_to_the_plain_network(source: Source) -> None:
    made = with_levels(source, 4000, initial_thresholds(source, [X], percentile=100))
    torch.testing.assert_close(run(made, X), run(source, X), atol=1e-2, rtol=1e-2)


def test_levels_are_taken_off_again(source: Source) -> None:
    made = without_levels(with_levels(source, 3, {"relu1": 1.0, "relu2": 1.0}))
    assert made.nodes == source.nodes
    assert set(made.arrays) == set(source.arrays)


@pytest.mark.parametrize("percentile", [50.0, 99.9, 100.0])
def test_thresholds_are_percentiles_of_positive_values(source: Source, percentile: float) -> None:
    seen: dict[str, torch.Tensor] = {}
    run(source, X, watch=lambda node, value: seen.update({node.name: value}))
    got = initial_thresholds(source, [X], percentile=percentile)
    for name in ("relu1", "relu2"):
        values = seen[name].flatten().numpy()
        assert float(got[name]) == pytest.approx(np.percentile(values[values > 0], percentile), rel=1e-4)


def test_thresholds_look_beneath_the_rounding(source: Source) -> None:
    rough = with_levels(source, 1, {"relu1": 0.01, "relu2": 0.01})
    assert initial_thresholds(rough, [X]) == initial_thresholds(source, [X])


def test_a_silent_stage_gets_a_positive_default(source: Source) -> None:
    arrays = {**source.arrays, "bn1.weight": torch.zeros(6), "bn1.bias": torch.full((6,), -1.0)}
    silent = Source.of(source.input_shape, source.nodes, arrays)
    assert float(initial_thresholds(silent, [X])["relu1"]) == SILENT


def test_calibration_uses_the_statistics_of_the_batch(source: Source) -> None:
    arrays = {**source.arrays, "bn1.running_var": torch.full((6,), 1e-4)}
    wrong = Source.of(source.input_shape, source.nodes, arrays)
    plain, calibrated = (initial_thresholds(wrong, [X], calibrate=flag)["relu1"] for flag in (False, True))
    assert float(calibrated) < 10 < float(plain)
    assert float(wrong.arrays["bn1.running_var"][0]) == pytest.approx(1e-4), "the source is not changed"


@pytest.mark.parametrize(
    ("levels", "thresholds", "words"),
    [
        (0, {"relu1": 1.0, "relu2": 1.0}, "levels is 0"),
        ({"relu1": 3, "relu2": 2**16}, {"relu1": 1.0, "relu2": 1.0}, "levels of 'relu2' is 65536"),
        ({"relu1": 3}, {"relu1": 1.0, "relu2": 1.0}, "'relu2' has no levels"),
        (3, {"relu1": 1.0}, "relu2"),
        (3, {"relu1": 1.0, "relu2": 0.0}, "above 0"),
        (3, {"relu1": 1.0, "relu2": float("nan")}, "finite"),
        (3, {"relu1": torch.tensor([1.0, 0.0, 2.0]), "relu2": 1.0}, "'relu1': threshold .* above 0"),
        (3, {"relu1": torch.tensor([1.0, float("nan"), 2.0]), "relu2": 1.0}, "'relu1': threshold .* finite"),
        (3, {"relu1": 1.0, "relu2": torch.tensor([1.0, 2.0, float("inf")])}, "'relu2': threshold .* finite"),
    ],
)
def test_refusals(
    source: Source, levels: int | dict[str, int], thresholds: dict[str, float | torch.Tensor], words: str
) -> None:
    with pytest.raises(BadSetting, match=words):
        with_levels(source, levels, thresholds)


def test_no_images_or_a_wrong_percentile_are_refused(source: Source) -> None:
    with pytest.raises(BadSetting, match="no images"):
        initial_thresholds(source, [])
    with pytest.raises(BadSetting, match="percentile is 0"):
        initial_thresholds(source, [X], percentile=0)
