"""Evaluating runs: a directly trained one is measured as it was trained, a converted one against its source."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from support.refuse_data import refuse_data
from support.trained import digits, run_folder
from torch import nn

from spikewright.ann.capture.capture import capture
from spikewright.app.runs import convert, evaluate, inject, train, verify
from spikewright.app.runs.acquire import ImageSettings
from spikewright.app.runs.convert import ConvertRequest
from spikewright.app.runs.evaluate import EvaluateRequest, EvaluateResult
from spikewright.app.runs.inject import InjectRequest
from spikewright.app.runs.train import TrainRequest
from spikewright.app.runs.verify import VerifyRequest
from spikewright.data.preparation import InputPreparation
from spikewright.engines.network import build
from spikewright.errors import BadData, BadFile, BadModel, BadSetting, SpikewrightError
from spikewright.interchange import run_folder as folder
from spikewright.measure.cost.memory import memory_bytes
from spikewright.measure.evaluation import EvaluateSettings
from spikewright.reliability.campaign.settings import InjectSettings
from spikewright.reliability.faults.bit_flip import BitFlip
from spikewright.snn.formats.binary import Binary
from spikewright.training.settings import TrainSettings
from spikewright.training.snn.network import TrainingNetwork
from spikewright.training.snn.settings import NeuronSettings, SpikingSettings, SpikingTraining

FEW = EvaluateSettings(images=120, codes_images=40, batch_size=50)


def evaluated(run: Path, **more: Any) -> EvaluateResult:
    return evaluate.run(EvaluateRequest(run=run, **{"settings": FEW, **more}))


@pytest.fixture(scope="module")
def spiking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rate-coded classifier with one-bit weights, as `train` leaves it."""
    out = tmp_path_factory.mktemp("spiking") / "run"
    network = SpikingSettings(timesteps=4, encoding="rate", weights=Binary(), neurons=NeuronSettings(membrane_bits=6))
    source_run = run_folder(tmp_path_factory.mktemp("source"))
    settings = TrainSettings(epochs=2, learning_rate=0.02, batch_size=64)
    spiking = SpikingTraining(network=network)
    train.run(TrainRequest(start=source_run, out=out, spiking=spiking, settings=settings))
    return out


def test_a_directly_trained_run_is_measured_on_what_it_was_trained_on(spiking: Path) -> None:
    result = evaluated(spiking)
    found, about = result.evaluation, result.about
    blueprint, stored = folder.load_blueprint(spiking)
    assert about == stored
    data = digits()
    plain = InputPreparation(mean=(0.0,), std=(1.0,), size=None, channels=1)
    x = plain(torch.from_numpy(data.test.images[:120].copy()))
    assert float(x.min()) >= 0 and float(x.max()) <= 1
    right = (build(blueprint, dtype=torch.float64)(x.double()).argmax(1).numpy() == data.test.labels[:120]).mean()
    assert found.accuracy_snn == pytest.approx(right) and right > 0.3
    assert found.accuracy_reference == found.accuracy_snn and found.accuracy_source is None
    assert found.mismatched_codes == found.mismatched_codes_engine == 0
    assert found.codes_total == 40 * (20 + 12)
    assert found.samples == 120 and found.latency_steps == 4 and found.levels_reference == 4
    spikes = blueprint.plan.encoder(x)
    assert found.input_spikes_per_sample == pytest.approx(float(spikes.sum()) / 120)
    assert float(spikes.sum()) / 120 == pytest.approx(4 * float(x.sum()) / 120, rel=0.02)
    assert found.macs_per_sample == 0
    assert found.weight_bytes == memory_bytes(blueprint).weight_bytes == 4 * (64 * 20 + 12 * 10) + 20 * 12 // 8
    assert result.to_json() == found.to_json()
    json.dumps(found.to_json(), allow_nan=False)


def test_all_images_give_the_accuracy_that_training_told(spiking: Path) -> None:
    _, about = folder.load_blueprint(spiking)
    found = evaluated(spiking, settings=EvaluateSettings(codes_images=1, engine="float")).evaluation
    assert found.accuracy_snn == pytest.approx(about["accuracy_test"], abs=1.1 / found.samples)


def test_it_needs_no_source_and_has_none_to_be_compared_with(spiking: Path, tmp_path: Path) -> None:
    for call in (
        lambda: verify.run(VerifyRequest(run=spiking)),
        lambda: convert.run(ConvertRequest(out=tmp_path / "a", run=spiking)),
    ):
        with pytest.raises(BadFile, match=r"holds a spiking network and no source\.json: it was trained directly"):
            call()
    request = ConvertRequest(out=spiking, run=run_folder(tmp_path / "source"))
    before = (spiking / "plan.json").read_bytes()
    with pytest.raises(BadSetting, match="holds a network that was trained directly: choose another folder"):
        convert.run(request)
    assert (spiking / "plan.json").read_bytes() == before


def _copy(spiking: Path, to: Path, change) -> Path:
    to.mkdir()
    (to / "weights.safetensors").write_bytes((spiking / "weights.safetensors").read_bytes())
    content = json.loads((spiking / "plan.json").read_text())
    change(content)
    (to / "plan.json").write_text(json.dumps(content))
    return to


def test_runs_that_do_not_say_enough(spiking: Path, tmp_path: Path) -> None:
    nameless = _copy(spiking, tmp_path / "a", lambda c: c["about"].pop("data"))
    with pytest.raises(BadSetting, match="does not say what data it was made with: give --data"):
        evaluated(nameless)
    found = evaluated(nameless, data="digits").evaluation
    assert found.samples == 120
    for place, value in (("mean", "grey"), ("std", [0.0]), ("channels", 3), ("size", [1, 2, 3])):
        edited = _copy(
            spiking,
            tmp_path / place,
            lambda c, p=place, v=value: c["plan"]["inputs"][0]["preparation"].update({p: v}),
        )
        with pytest.raises((BadFile, BadData)) as caught:
            evaluated(edited)
        assert "\n" not in str(caught.value)


def test_images_of_another_size_are_refused(spiking: Path) -> None:
    with pytest.raises(BadData, match=r"inputs of shape \(1, 4, 4\), the network takes \(1, 8, 8\)"):
        evaluated(spiking, images=ImageSettings(size=(4, 4)))


def test_a_converted_run_is_measured_against_its_source(tmp_path: Path) -> None:
    convert.run(ConvertRequest(out=tmp_path / "b", run=run_folder(tmp_path / "a", 7, 7), settings={"timesteps": 3}))
    result = evaluated(tmp_path / "b")
    found, about = result.evaluation, result.about
    assert about["conversion"]["method"] == "exact"
    assert found.accuracy_source is not None and found.accuracy_source > 0.8
    assert found.mismatched_codes == 0 and found.levels_reference == 7
    with pytest.raises(BadFile, match="this run is a source network"):
        evaluated(tmp_path / "a")


def test_nothing_is_loaded_where_run_or_engine_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_folder(tmp_path / "a", 7, 7)
    convert.run(ConvertRequest(out=tmp_path / "b", run=run, method="qcfs", settings={"timesteps": 3}))
    refuse_data(monkeypatch)
    with pytest.raises(BadFile, match="no run folder"):
        evaluated(tmp_path / "nowhere")
    with pytest.raises(SpikewrightError, match="postponed firing"):
        evaluated(tmp_path / "b", settings=EvaluateSettings(engine="int8"))


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(4 * 64, 1)), "the network has one output, so that every image counts"),
        (nn.Conv2d(4, 2, 1), r"the network's output has shape \(2, 8, 8\): accuracy needs one row of class scores"),
    ],
)
def test_a_directly_trained_regression_has_no_accuracy(
    last: nn.Module, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said by both verbs, in a line, before any data is asked for."""
    refuse_data(monkeypatch)
    source = capture(nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), last).eval(), torch.randn(2, 1, 8, 8))
    blueprint = TrainingNetwork(source, SpikingSettings(timesteps=2)).eval().freeze()
    folder.save_blueprint(tmp_path / "run", blueprint, about={})
    with pytest.raises(BadModel, match=f"evaluate: {words}.*: (give|measure) .*of network") as refused:
        evaluated(tmp_path / "run")
    assert "\n" not in str(refused.value)
    settings = InjectSettings(fault=BitFlip(ber=0.01), maps=2)
    with pytest.raises(BadModel, match=f"inject: {words}.*: (give|measure) .*of network"):
        inject.run(InjectRequest(run=tmp_path / "run", settings=(settings,)))
