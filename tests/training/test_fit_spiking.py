"""Training spiking networks: resumed in the middle it is bit for bit the same, and it learns."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.source import Source
from spikewright.data import ImageData
from spikewright.engines.network import build
from spikewright.errors import BadModel, BadSetting
from spikewright.measure.cost.synops import Counts
from spikewright.snn.blueprint import Blueprint
from spikewright.snn.formats.binary import Binary
from spikewright.snn.formats.uniform import Uniform
from spikewright.snn.surrogate import Arctangent
from spikewright.training.fit import CHECKPOINTS, fit_spiking
from spikewright.training.settings import TrainSettings
from spikewright.training.snn.settings import NeuronSettings, SpikingSettings, SpikingTraining
from training.test_fit import kept_at

SETTINGS = TrainSettings(epochs=3, batch_size=64, seed=5, learning_rate=0.05)
QUANTISED = SpikingTraining(
    network=SpikingSettings(
        timesteps=2,
        neurons=NeuronSettings(leak=0.5, learn_leak=True, reset="hard", membrane_bits=4, surrogate=Arctangent()),
        weights=Binary(estimator="annealed"),
        edge_weights=Uniform(bits=8),
    ),
    rate_penalty=1e-2,
)
RATE = SpikingTraining(
    network=SpikingSettings(
        timesteps=3,
        encoding="rate",
        neurons=NeuronSettings(threshold=0.5, reset="delayed", membrane_bits=6, surrogate=Arctangent()),
        weights=Uniform(bits=4),
        seed=5,
    ),
    loss="sum",
)


def same(a: Blueprint, b: Blueprint) -> bool:
    return a.plan == b.plan and all(torch.equal(array, b.arrays[name]) for name, array in a.arrays.items())


@pytest.mark.parametrize("training", [QUANTISED, RATE], ids=["annealed", "rate"])
@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_a_resumed_training_is_bit_identical(
    training: SpikingTraining,
    optimiser: str,
    source: Source,
    digits: ImageData,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Weights, leaks, membrane scales, the estimator's place and the draws of rate coding."""
    whole_folder, resumed_folder = tmp_path / "whole", tmp_path / "resumed"
    keeping = kept_at(whole_folder / CHECKPOINTS, 0, resumed_folder / CHECKPOINTS)
    monkeypatch.setattr("spikewright.training.lightning_trainer.ModelCheckpoint", keeping)
    settings = replace(SETTINGS, optimiser=optimiser, learning_rate=0.05 if optimiser == "sgd" else 2e-3, augment=True)
    whole, report = fit_spiking(source, digits, settings, training, out=whole_folder)
    monkeypatch.undo()
    assert [path.name for path in (resumed_folder / CHECKPOINTS).iterdir()] == ["epoch-0.ckpt"]
    resumed, again = fit_spiking(source, digits, settings, training, out=resumed_folder, resume=True)
    assert same(whole, resumed)
    reported = [
        [(e.epoch, e.loss, e.firing_rate, e.dead_stages, e.accuracy_validation) for e in r.epochs]
        for r in (report, again)
    ]
    assert reported[0] == reported[1] and len(reported[0]) == 3
    assert again.accuracy_test == report.accuracy_test
    other = replace(training, network=replace(training.network, timesteps=4))
    with pytest.raises(BadSetting, match=r"network\.timesteps was \d, now it is 4: resume with the same") as caught:
        fit_spiking(source, digits, settings, other, out=whole_folder, resume=True)
    assert "\n" not in str(caught.value)


def test_it_learns_and_what_is_reported_is_what_is_stored(source: Source, digits: ImageData) -> None:
    state = torch.get_rng_state()
    trained, report = fit_spiking(source, digits, replace(SETTINGS, epochs=4), QUANTISED)
    assert torch.equal(torch.get_rng_state(), state), "the caller's random numbers are left alone"
    assert report.accuracy_test > 0.6
    assert report.epochs[-1].loss < report.epochs[0].loss
    assert all(0 < (epoch.firing_rate or 0) < 1 and epoch.dead_stages == () for epoch in report.epochs)
    x = digits.preparation(torch.from_numpy(digits.test.images.copy()))
    right = (build(trained)(x).argmax(1) == torch.from_numpy(digits.test.labels)).float().mean()
    assert float(right) == pytest.approx(report.accuracy_test, abs=2.1 / len(digits.test))
    formats = {node.name: node.weights for node in trained.plan.nodes if node.weights is not None}
    assert formats == {"conv1": Uniform(bits=8), "conv2": Binary(estimator="annealed"), "out": Uniform(bits=8)}


def test_a_dead_network_is_told_of(source: Source, digits: ImageData) -> None:
    silent = SpikingTraining(network=SpikingSettings(timesteps=2, neurons=NeuronSettings(threshold=1e6)))
    trained, report = fit_spiking(source, digits, replace(SETTINGS, epochs=1), silent)
    assert report.epochs[0].dead_stages == tuple(stage.firing.carries for stage in trained.plan.stages)
    assert report.epochs[0].firing_rate == 0.0


def faint() -> Source:
    """Weights so small that batch norm makes of them what they are."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Flatten(), nn.Linear(512, 10),
        )  # fmt: skip
        for layer in (model[0], model[3]):
            layer.weight.data *= 0.02
    return capture(model, torch.zeros(2, 1, 8, 8))


def test_what_a_few_updates_train_is_what_is_evaluated(digits: ImageData) -> None:
    """Twelve updates: running statistics are mostly what they began with, and a network that learned is silent."""
    few = replace(digits.train, images=digits.train.images[:24], labels=digits.train.labels[:24])
    data, said = replace(digits, train=few, validation=few), list[str]()
    network = SpikingSettings(timesteps=4, neurons=NeuronSettings(surrogate=Arctangent()))
    settings = replace(SETTINGS, epochs=4, batch_size=8, optimiser="adam", learning_rate=0.01)

    def tell(what: str, done: int, total: int, /, note: str = "") -> None:
        said.append(note)

    trained, report = fit_spiking(faint(), data, settings, SpikingTraining(network=network), on_progress=tell)
    (line,) = [note for note in said if "estimated again over the training data, 12 updates" in note]
    assert line.endswith(f"→ {report.accuracy_validation:.2%}")
    x = digits.preparation(torch.from_numpy(few.images.copy()))
    right = (build(trained)(x).argmax(1) == torch.from_numpy(few.labels)).float().mean()
    assert float(right) == pytest.approx(report.accuracy_validation, abs=2.1 / 24)
    answers = build(trained)(x).argmax(1) == torch.from_numpy(few.labels)
    shares = [float(answers[torch.from_numpy(few.labels == k)].double().mean()) for k in sorted(set(few.labels))]
    known = [share for share in report.epochs[-1].accuracy_by_class if share is not None]
    assert known == pytest.approx(shares, abs=0.5) and len(known) == len(shares)
    counts = Counts.empty(trained.plan).add_all(build(trained).collapse(x))
    names = {stage.name: stage.firing.carries for stage in trained.plan.stages}
    assert {names[name] for name in counts.dead_stages} == set(report.epochs[-1].dead_stages)
    assert report.epochs[-2].dead_stages == ("5",) and report.epochs[-1].dead_stages == ()
    assert report.accuracy_validation > 0.7 > 0.3 > report.epochs[-2].accuracy_validation


def test_data_that_does_not_fit_and_trainings_that_cannot_be(source: Source, digits: ImageData) -> None:
    big = replace(digits, preparation=replace(digits.preparation, size=(16, 16)))
    with pytest.raises(BadModel, match="takes inputs of"):
        fit_spiking(source, big, SETTINGS, QUANTISED)
    with pytest.raises(BadModel, match="not finite"):
        fit_spiking(source, digits, replace(SETTINGS, learning_rate=1e30, epochs=1), SpikingTraining())
