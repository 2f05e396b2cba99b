from types import SimpleNamespace

from spikewright.ann.source import Source
from spikewright.training.ann.trainable import TrainableSource
from spikewright.training.ann.trainee import SourceTrainee
from spikewright.training.epoch_progress import EpochProgress
from spikewright.training.lightning_module import Fitting
from spikewright.training.settings import TrainSettings


def entry(epoch: int, **more: object) -> dict[str, object]:
    return {"epoch": epoch, "loss": 0.5, "bits_per_sample": None, "accuracy_validation": 0.25, "seconds": 2.0, **more}


def told_of(
    source: Source, before: list[object], epochs: list[dict[str, object]], *, first: bool = True
) -> list[tuple]:
    """What is said of these epochs of two batches each, after those before."""
    module = Fitting(SourceTrainee(TrainableSource(source), TrainSettings()), TrainSettings(), steps=1, identity={})
    module.history = list(before)  # pyright: ignore[reportAttributeAccessIssue]
    reported: list[tuple] = []

    def save(what: str, done: int, total: int, /, note: str = "") -> None:
        reported.append((what, done, total, note))

    trainer = SimpleNamespace(is_global_zero=first, current_epoch=len(before), num_training_batches=2)
    progress = EpochProgress(len(before) + len(epochs), save)
    progress.on_train_start(trainer, module)  # pyright: ignore[reportArgumentType]
    for each in epochs:
        progress.on_train_epoch_start(trainer, module)  # pyright: ignore[reportArgumentType]
        for batch in (0, 1):
            progress.on_train_batch_end(trainer, module, None, None, batch)  # pyright: ignore[reportArgumentType]
        module.history = [*module.history, each]
        trainer.current_epoch += 1
    progress.on_train_end(trainer, module)  # pyright: ignore[reportArgumentType]
    return reported


def test_each_epoch_of_this_run_is_told_once(source: Source) -> None:
    assert told_of(source, [entry(0)], [entry(1), entry(2)]) == [
        ("epoch 2/3", 0, 2, ""),
        ("epoch 2/3", 1, 2, ""),
        ("epoch 2/3", 2, 2, ""),
        ("epochs", 0, 0, "epoch 2/3: loss 0.5000, validation 25.00%, 2 s"),
        ("epoch 3/3", 0, 2, ""),
        ("epoch 3/3", 1, 2, ""),
        ("epoch 3/3", 2, 2, ""),
        ("epochs", 0, 0, "epoch 3/3: loss 0.5000, validation 25.00%, 2 s"),
    ]


def test_learned_timesteps_and_silent_stages_are_told(source: Source) -> None:
    reported = told_of(source, [], [entry(0, timesteps_mean=2.6, dead_stages=("3",))])
    assert [note for *_, note in reported if note] == [
        "epoch 1/1: loss 0.5000, validation 25.00%, mean timesteps 2.60, 2 s",
        "warning: stage '3' fired on no validation image: lower --threshold, raise --leak, or take a wider --surrogate",
    ]


def test_a_mean_of_the_classes_far_from_the_accuracy_is_told(source: Source) -> None:
    near, far = entry(0, accuracy_balanced=0.22), entry(1, accuracy_balanced=0.1)
    notes = [note for *_, note in told_of(source, [], [near, far]) if note]
    assert "validation 25.00%, 2 s" in notes[0]
    assert "validation 25.00% (mean of the classes 10.00%), 2 s" in notes[1]


def test_other_processes_are_silent(source: Source) -> None:
    assert told_of(source, [], [entry(0)], first=False) == []
