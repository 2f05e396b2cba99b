import os
import shutil
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import nn

from spikewright.ann.capture.capture import capture
from spikewright.ann.ends import SourceInput
from spikewright.ann.interpreter import run
from spikewright.ann.ops.activations import Activation
from spikewright.ann.source import Source
from spikewright.app.cli.main import main
from spikewright.data import ImageData
from spikewright.errors import BadFile, BadModel, BadSetting
from spikewright.training.ann.levels import initial_thresholds, with_levels
from spikewright.training.ann.sparsity import BitPenalty
from spikewright.training.ann.trainable import THRESHOLD_FLOOR
from spikewright.training.fit import CHECKPOINTS, _rows, fit
from spikewright.training.settings import TrainSettings
from spikewright.training.timesteps.parametrisation import PARAMETRISATIONS
from spikewright.training.timesteps.settings import TimestepSettings

SETTINGS = TrainSettings(epochs=3, batch_size=64, seed=5, augment=True, learning_rate=0.05)


def same(a: Source, b: Source) -> bool:
    return all(torch.equal(array, b.arrays[name]) for name, array in a.arrays.items())


@pytest.fixture
def levelled(source: Source, digits: ImageData) -> Source:
    x = digits.preparation(torch.from_numpy(digits.train.images[:64]))
    return with_levels(source, 7, initial_thresholds(source, [x], calibrate=True))


def kept_at(folder: Path, epoch: int, copy: Path) -> type:
    """A stand-in for a kill: the checkpoint as it is when `epoch` ends is put aside into `copy`."""

    class Keeping(ModelCheckpoint):
        def on_train_epoch_end(self, trainer, pl_module) -> None:
            super().on_train_epoch_end(trainer, pl_module)
            if trainer.current_epoch == epoch:
                shutil.copytree(folder, copy)

    return Keeping


def test_resumed_run_is_bit_identical(
    levelled: Source, digits: ImageData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_folder, resumed_folder = tmp_path / "whole", tmp_path / "resumed"
    keeping = kept_at(whole_folder / CHECKPOINTS, 0, resumed_folder / CHECKPOINTS)
    monkeypatch.setattr("spikewright.training.lightning_trainer.ModelCheckpoint", keeping)
    settings = replace(SETTINGS, sparsity=1e-4)
    whole, report = fit(levelled, digits, settings, out=whole_folder)
    monkeypatch.undo()
    assert [path.name for path in (resumed_folder / CHECKPOINTS).iterdir()] == ["epoch-0.ckpt"]
    resumed, again = fit(levelled, digits, settings, out=resumed_folder, resume=True)
    assert same(whole, resumed)
    assert again.accuracy_test == report.accuracy_test
    figures = [[(e.epoch, e.loss, e.bits_per_sample, e.accuracy_validation) for e in r.epochs] for r in (report, again)]
    assert figures[0] == figures[1] and len(figures[0]) == 3
    other, _ = fit(levelled, digits, replace(settings, seed=6))
    assert not same(whole, other), "the test can tell two trainings apart"
    finished, once_more = fit(levelled, digits, settings, out=resumed_folder, resume=True)
    assert same(finished, whole) and once_more.accuracy_test == report.accuracy_test


def test_training_learns_and_reports_what_the_source_does(levelled: Source, digits: ImageData) -> None:
    state = torch.get_rng_state()
    trained, report = fit(levelled, digits, replace(SETTINGS, epochs=4, augment=False))
    assert torch.equal(torch.get_rng_state(), state), "the caller's random numbers are left alone"
    assert report.accuracy_test > 0.75
    assert report.epochs[-1].loss < report.epochs[0].loss
    for split, figure in (
        (digits.test, report.accuracy_test),
        (digits.validation, report.accuracy_validation),
    ):
        x = digits.preparation(torch.from_numpy(split.images.copy()))
        right = run(trained, x).argmax(1) == torch.from_numpy(split.labels)
        assert float(right.float().mean()) == pytest.approx(figure, abs=2.1 / len(split))
    assert trained.preparation == digits.preparation
    assert all(float(trained.arrays[f"{node.name}.threshold"]) > 0 for node in trained.activations)


def test_thresholds_stay_positive_when_training_drives_them_down(source: Source, digits: ImageData) -> None:
    low = with_levels(source, 7, {"relu1": 2e-3, "relu2": 2e-3})
    for seed in range(3):
        trained, _ = fit(low, digits, replace(SETTINGS, epochs=1, seed=seed, learning_rate=0.01, warm_up=0.0))
        thresholds = [float(trained.arrays[f"{node.name}.threshold"]) for node in trained.activations]
        assert min(thresholds) >= THRESHOLD_FLOOR * 0.999


def test_a_resumed_run_learns_the_same_timesteps(
    levelled: Source, digits: ImageData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = TimestepSettings(target_timesteps=3.0, timestep_penalty=1.0)
    settings = replace(SETTINGS, timesteps=learned)
    keeping = kept_at(tmp_path / "whole" / CHECKPOINTS, 0, tmp_path / "resumed" / CHECKPOINTS)
    monkeypatch.setattr("spikewright.training.lightning_trainer.ModelCheckpoint", keeping)
    whole, report = fit(levelled, digits, settings, out=tmp_path / "whole")
    monkeypatch.undo()
    resumed, again = fit(levelled, digits, settings, out=tmp_path / "resumed", resume=True)
    assert same(whole, resumed) and whole.nodes == resumed.nodes
    means = [[epoch.timesteps_mean for epoch in found.epochs] for found in (report, again)]
    assert means[0] == means[1] and len(set(means[0])) > 1, "the timesteps move in every part"
    for other, words in (
        (replace(learned, timestep_penalty=0.5), "timestep-penalty was 1.0, now it is 0.5"),
        (replace(learned, target_timesteps=None), "target-timesteps was 3.0"),
        (None, "learn-timesteps was True, now it is False"),
    ):
        with pytest.raises(BadSetting, match=words):
            fit(levelled, digits, replace(settings, timesteps=other), out=tmp_path / "whole", resume=True)


@pytest.mark.parametrize("form", sorted(PARAMETRISATIONS))
def test_learned_timesteps_are_the_levels_of_the_trained_source(form: str, levelled: Source, digits: ImageData) -> None:
    learned = TimestepSettings(target_timesteps=3.0, timestep_penalty=1.0, parametrisation=form)
    trained, report = fit(levelled, digits, replace(SETTINGS, timesteps=learned, augment=False))
    steps = [node.op.levels for node in trained.activations if isinstance(node.op, Activation)]
    assert report.epochs[-1].timesteps_mean == sum(level or 0 for level in steps) / 2 <= 3.0
    assert report.accuracy_test > 0.7
    x = digits.preparation(torch.from_numpy(digits.test.images.copy()))
    right = run(trained, x).argmax(1) == torch.from_numpy(digits.test.labels)
    assert float(right.float().mean()) == pytest.approx(report.accuracy_test, abs=2.1 / len(digits.test))


def test_sparsity_lowers_the_bits(levelled: Source, digits: ImageData) -> None:
    x = digits.preparation(torch.from_numpy(digits.test.images[:200].copy()))

    def bits(sparsity: float) -> float:
        trained, _ = fit(levelled, digits, replace(SETTINGS, epochs=2, sparsity=sparsity))
        penalty = BitPenalty()
        run(trained, x, activate=penalty)
        return float(penalty.per_sample())

    plain, sparse = bits(0.0), bits(1e-3)
    assert 0 < sparse < 0.8 * plain


def test_bfloat16_trains_on_the_cpu(levelled: Source, digits: ImageData) -> None:
    _, report = fit(levelled, digits, replace(SETTINGS, precision="bf16-mixed", device="cpu", augment=False))
    assert report.accuracy_test > 0.5


def test_a_small_data_set_is_one_batch(source: Source, digits: ImageData) -> None:
    few = replace(digits.train, images=digits.train.images[:20], labels=digits.train.labels[:20])
    _, report = fit(source, replace(digits, train=few), replace(SETTINGS, epochs=1))
    assert len(report.epochs) == 1


def test_another_training_is_not_resumed(source: Source, levelled: Source, digits: ImageData, tmp_path: Path) -> None:
    quick = replace(SETTINGS, epochs=1)
    fit(source, digits, quick, out=tmp_path)
    for changed, words in (
        ({"seed": 6}, "seed was 5, now it is 6"),
        ({"epochs": 2}, "epochs was 1, now it is 2"),
    ):
        with pytest.raises(BadSetting, match=words):
            fit(source, digits, replace(quick, **changed), out=tmp_path, resume=True)
    with pytest.raises(BadSetting, match="another network"):
        fit(levelled, digits, quick, out=tmp_path, resume=True)
    with pytest.raises(BadSetting, match="other data"):
        fit(source, replace(digits, fingerprint="x"), quick, out=tmp_path, resume=True)
    (path,) = (tmp_path / CHECKPOINTS).iterdir()
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(BadFile, match="cannot be read"):
        fit(source, digits, quick, out=tmp_path, resume=True)


def test_a_network_that_does_not_fit_is_refused(source: Source, digits: ImageData) -> None:
    with pytest.raises(BadModel, match="inputs of"):
        fit(replace(source, inputs=(SourceInput(shape=(3, 8, 8)),)), digits, SETTINGS)
    with pytest.raises(BadModel, match="one logit per class"):
        fit(source, replace(digits, classes=11), SETTINGS)


def test_a_loss_that_diverges_is_refused(source: Source, digits: ImageData) -> None:
    with pytest.raises(BadModel, match="lower --learning-rate"):
        fit(source, digits, replace(SETTINGS, learning_rate=1e12))


@pytest.mark.parametrize("rate", [300.0, 1e5])
def test_a_loss_that_grows_without_bound_is_refused_in_its_epoch(rate: float, digits: ImageData) -> None:
    few = replace(digits, train=replace(digits.train, images=digits.train.images[:64], labels=digits.train.labels[:64]))
    settings = replace(SETTINGS, learning_rate=rate, batch_size=16, warm_up=0.0, momentum=0.99, augment=False)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    with pytest.raises(BadModel, match=r"in epoch \d: lower --learning-rate \(it is"):
        fit(capture(model, torch.zeros(2, 1, 8, 8)), few, settings)


def test_a_batch_of_one_is_refused_where_batch_norm_has_one_value(source: Source, digits: ImageData) -> None:
    with torch.random.fork_rng():
        flat = capture(
            nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 10)),
            torch.zeros(2, 1, 8, 8),
        )
    with pytest.raises(
        BadSetting, match=r"batch norm '2' would see 1 value a channel in a batch, and needs two: raise"
    ):
        fit(flat, digits, replace(SETTINGS, batch_size=1))
    few = replace(digits, train=replace(digits.train, images=digits.train.images[:4], labels=digits.train.labels[:4]))
    _, report = fit(source, few, replace(SETTINGS, batch_size=1, epochs=1))  # 64 values of one image
    assert len(report.epochs) == 1


def test_a_device_that_is_not_there_is_refused(source: Source, digits: ImageData) -> None:
    for device in ("quantum", "cuda:99", "cuda:x"):
        with pytest.raises(BadSetting, match=device):
            fit(source, digits, replace(SETTINGS, device=device))


def test_a_batch_is_shared_among_devices(digits: ImageData) -> None:
    assert _rows(digits, replace(SETTINGS, batch_size=64, devices=2)) == 32
    assert _rows(digits, replace(SETTINGS, batch_size=10_000, devices=4)) == len(digits.train) // 4


def test_ctrl_c_keeps_the_checkpoint_and_leaves_with_130(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command in this process, and the signal that a terminal sends it."""
    out, over = tmp_path / "run", threading.Event()

    def interrupt() -> None:
        while not list(out.glob("checkpoints/*.ckpt")):
            if over.wait(0.05):
                return
        os.kill(os.getpid(), signal.SIGINT)

    options = {"--model": "top0", "--data": "digits", "--epochs": "5000", "--out": str(out), "--device": "cpu"}
    monkeypatch.setattr(sys, "argv", ["spikewright", "train", *(word for pair in options.items() for word in pair)])
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    try:
        threading.Thread(target=interrupt, daemon=True).start()
        with pytest.raises(SystemExit) as left:
            main()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        over.set()
        signal.signal(signal.SIGINT, handler)
    assert left.value.code == 130
    assert "Traceback" not in capsys.readouterr().err
    assert list(out.glob("checkpoints/*.ckpt"))
    assert not (out / "source.json").exists()


def test_balanced_classes_recognise_the_rare_one(digits: ImageData) -> None:
    """300 of one digit and 6 of another: alike in the loss, both are recognised."""
    few = [np.flatnonzero(digits.train.labels == k) for k in (3, 8)]
    chosen = np.concatenate([few[0][:100], few[1][:4]])
    rows = replace(digits.train, images=digits.train.images[chosen], labels=digits.train.labels[chosen])
    data = replace(digits, train=rows)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        linear = capture(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), torch.zeros(2, 1, 8, 8))
    settings = replace(SETTINGS, epochs=1, augment=False, learning_rate=0.02, batch_size=104, warm_up=0.0)
    recall = {}
    for weights in (None, "balanced"):
        _, report = fit(linear, data, replace(settings, class_weights=weights))
        recall[weights] = report.epochs[-1].accuracy_by_class[8]
    assert recall["balanced"] > recall[None]
