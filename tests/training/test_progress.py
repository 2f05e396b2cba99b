from types import SimpleNamespace

import pytest

from spikewright.ann.source import Source
from spikewright.training.ann.trainable import TrainableSource
from spikewright.training.ann.trainee import SourceTrainee
from spikewright.training.fitting import Fitting
from spikewright.training.progress import EpochLines
from spikewright.training.settings import TrainSettings


def entry(epoch: int, **more: object) -> dict[str, object]:
    return {"epoch": epoch, "loss": 0.5, "bits_per_sample": None, "accuracy_validation": 0.25, "seconds": 2.0, **more}


def test_each_epoch_of_this_run_is_told_once_on_stderr(source: Source, capsys: pytest.CaptureFixture[str]) -> None:
    module = Fitting(SourceTrainee(TrainableSource(source), TrainSettings()), TrainSettings(), steps=1, identity={})
    module.history = [entry(0)]
    trainer = SimpleNamespace(is_global_zero=True, current_epoch=1, num_training_batches=2)
    lines = EpochLines(3)
    lines.on_train_start(trainer, module)  # pyright: ignore[reportArgumentType]
    for epoch in (1, 2):
        lines.on_train_epoch_start(trainer, module)  # pyright: ignore[reportArgumentType]
        lines.on_train_batch_end(trainer, module, None, None, 0)  # pyright: ignore[reportArgumentType]
        lines.on_train_epoch_end(trainer, module)  # pyright: ignore[reportArgumentType]
        module.history = [*module.history, entry(epoch)]
    lines.on_train_end(trainer, module)  # pyright: ignore[reportArgumentType]
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "epoch 2/3: loss 0.5000, validation 25.00%, 2 s",
        "epoch 3/3: loss 0.5000, validation 25.00%, 2 s",
    ]


def test_learned_timesteps_are_told(source: Source, capsys: pytest.CaptureFixture[str]) -> None:
    module = Fitting(SourceTrainee(TrainableSource(source), TrainSettings()), TrainSettings(), steps=1, identity={})
    trainer = SimpleNamespace(is_global_zero=True, current_epoch=0, num_training_batches=2)
    lines = EpochLines(1)
    lines.on_train_start(trainer, module)  # pyright: ignore[reportArgumentType]
    module.history = [entry(0, timesteps_mean=2.6)]
    lines.on_train_end(trainer, module)  # pyright: ignore[reportArgumentType]
    told = "epoch 1/1: loss 0.5000, validation 25.00%, mean timesteps 2.60, 2 s"
    assert capsys.readouterr().err.splitlines() == [told]


def test_other_processes_are_silent(source: Source, capsys: pytest.CaptureFixture[str]) -> None:
    module = Fitting(SourceTrainee(TrainableSource(source), TrainSettings()), TrainSettings(), steps=1, identity={})
    trainer = SimpleNamespace(is_global_zero=False, current_epoch=0, num_training_batches=2)
    lines = EpochLines(1)
    lines.on_train_start(trainer, module)  # pyright: ignore[reportArgumentType]
    module.history = [entry(0)]
    lines.on_train_end(trainer, module)  # pyright: ignore[reportArgumentType]
    assert capsys.readouterr().err == ""
