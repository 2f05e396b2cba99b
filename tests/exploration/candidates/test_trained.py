"""Candidates that are trained: from what, by what, once, without the test split, and as `evaluate` reads them."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.trained import classifier, digits

from spikewright.ann.source import Source
from spikewright.app.runs import evaluate
from spikewright.app.runs.evaluate import EvaluateRequest
from spikewright.data import ImageData
from spikewright.errors import BadModel, BadSetting
from spikewright.exploration.candidates import trained
from spikewright.exploration.candidates.trained import TrainedMaker
from spikewright.exploration.request.points import Trained
from spikewright.exploration.request.settings import TrainTable, WeightSettings
from spikewright.interchange import run_folder as folder
from spikewright.measure.samples import EvaluateSettings
from spikewright.training.ann.fresh import fresh
from spikewright.training.fit import fit_spiking

POINT = Trained(timesteps=3, threshold=0.5, bits=8)
TABLE = TrainTable(epochs=1, options={"batch_size": 200})


@cache
def few() -> ImageData:
    data = digits()
    return replace(data, train=data.train.take(np.arange(len(data.train)) < 600))


def maker(**given: Any) -> TrainedMaker:
    stored = {"source": classifier(), "data": few(), "about": {"model": "small"}, "table": TABLE, "seed": 4}
    return TrainedMaker(**{**stored, "weights": WeightSettings(), **given})


def test_a_point_is_trained_from_scratch_by_its_own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Source, ImageData, Any, Any]] = []

    def watched(source: Source, data: Any, settings: Any, spiking: Any, **given: Any) -> Any:
        seen.append((source, data, settings, spiking))
        return fit_spiking(source, data, settings, spiking, **given)

    monkeypatch.setattr(trained, "fit_spiking", watched)
    made = maker().make(replace(POINT, neuron="lif", leak=0.8), tmp_path)
    source, data, settings, spiking = seen[0]
    network = spiking.network
    assert (network.timesteps, network.neurons.threshold, network.neurons.leak) == (3, 0.5, 0.8)
    assert (network.encoding, network.neurons.reset, network.biases) == ("rate", "delayed", False)
    assert (settings.epochs, settings.batch_size, settings.optimiser, settings.seed) == (1, 200, "adam", 4)
    for name, array in fresh(classifier(), seed=4).arrays.items():
        assert torch.equal(source.arrays[name], array)
    # the test split is nowhere in it, and pixels are probabilities
    assert data.test is data.validation
    assert data.preparation.mean == (0.0,) and data.preparation.std == (1.0,)
    assert "accuracy_test" not in made.about
    assert made.source is None
    maker(table=replace(TABLE, start="network")).make(POINT, tmp_path / "other")
    assert torch.equal(seen[1][0].arrays["1.weight"], classifier().arrays["1.weight"])


def test_points_of_different_bits_share_a_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = maker().make(POINT, tmp_path)

    def refused(*_: Any, **__: Any) -> Any:
        raise AssertionError("trained again")

    monkeypatch.setattr(trained, "fit_spiking", refused)
    again, other = maker().make(POINT, tmp_path), maker().make(replace(POINT, bits=4), tmp_path)
    assert first.blueprint.plan == again.blueprint.plan
    for name, array in first.blueprint.arrays.items():
        assert torch.equal(array, again.blueprint.arrays[name])
    stored, _ = folder.load_blueprint(tmp_path / "t3_th0.5_if")
    for node in other.blueprint.plan.nodes:
        if node.weights is not None:
            weight = stored.arrays[f"{node.name}.weight"]
            wanted = (weight / (weight.abs().max() / 7)).round()
            assert torch.equal(other.blueprint.arrays[f"{node.name}.weight"].double(), wanted.double())
    assert [made.about["weights"]["bits"] for made in (first, again, other)] == [8, 8, 4]
    with pytest.raises(AssertionError, match="trained again"):
        maker().make(replace(POINT, threshold=0.6), tmp_path)


def test_a_stopped_training_goes_on_to_the_same_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = replace(TABLE, epochs=2)
    whole = maker(table=table).make(POINT, tmp_path / "whole")
    saved = folder.save_run

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(folder, "save_run", killed)
    with pytest.raises(KeyboardInterrupt):
        maker(table=table).make(POINT, tmp_path / "part")
    monkeypatch.setattr(folder, "save_run", saved)
    part = maker(table=table).make(POINT, tmp_path / "part")
    for name, array in whole.blueprint.arrays.items():
        assert torch.equal(array, part.blueprint.arrays[name]), name


def test_evaluate_reads_what_was_made(tmp_path: Path) -> None:
    made = maker().make(POINT, tmp_path)
    folder.save_blueprint(tmp_path / "candidate", made.blueprint, about=made.about)
    result = evaluate.run(EvaluateRequest(run=tmp_path / "candidate", settings=EvaluateSettings(images=50)))
    found, about = result.evaluation, result.about
    assert found.weight_bits == (8,)
    assert found.mismatched_codes == 0
    assert found.latency_steps == 3
    assert about["kind"] == "spiking"
    assert set(about) >= {"spiking", "epochs", "versions", "weights", "data_fingerprint"}


def test_images_of_candidates_are_probabilities_and_of_direct_coding_as_the_network_takes_them() -> None:
    rate, direct = maker(), maker(table=replace(TABLE, options={**TABLE.options, "encoding": "direct"}))
    assert float(rate.validation.inputs.min()) >= 0 and float(rate.validation.inputs.max()) <= 1
    assert rate.validation.labels.tolist() == few().validation.labels.tolist()
    assert len(rate.test.labels) == len(few().test)
    mean, std = few().preparation.mean[0], few().preparation.std[0]
    torch.testing.assert_close(direct.validation.inputs, (rate.validation.inputs - mean) / std)


def test_settings_that_no_network_can_have_are_refused_before_any_training() -> None:
    assert maker().possible([POINT]) == [POINT]
    with pytest.raises(BadSetting, match="surrogate"):
        maker(table=replace(TABLE, options={"surrogate": "triangel"})).possible([POINT])
    with pytest.raises(BadSetting, match="a leak that is learned starts between 0 and 1"):
        maker(table=replace(TABLE, options={"learn_leak": True})).possible([POINT])
    with pytest.raises(BadSetting, match="device ''"):
        maker(device="").possible([POINT])


def test_a_network_without_activations_is_refused() -> None:
    nodes = tuple(node for node in classifier().nodes if node.op.kind != "activation")
    links = {"2": "1", "4": "3"}
    plain = Source.of(
        classifier().input_shape,
        tuple(replace(node, inputs=tuple(links.get(name, name) for name in node.inputs)) for node in nodes),
        classifier().arrays,
        classifier().preparation,
    )
    with pytest.raises(BadModel, match="no ReLU"):
        maker(source=plain)
