"""Splits and data sets of frames refuse what could only go wrong later."""

import numpy as np
import pytest

from spikewright.data.events.chosen import ChosenRows
from spikewright.data.events.dataset import EventData, EventSplit
from spikewright.data.events.preparation import EventPreparation
from spikewright.errors import BadData

PREPARATION = EventPreparation(timesteps=3, size=(4, 5))


def split(count: int = 4, *, width: int = 5, label: int = 1) -> EventSplit:
    return EventSplit(frames=np.zeros((count, 3, 2, 4, width), np.uint8), labels=np.full(count, label, dtype=np.int64))


def data(**parts: EventSplit) -> EventData:
    splits = {"train": split(), "validation": split(), "test": split()} | parts
    return EventData(name="d", classes=2, preparation=PREPARATION, fingerprint="f", **splits)


def test_shape_is_that_of_the_frames() -> None:
    made = data()
    assert (made.channels, made.size, made.timesteps, len(made.train)) == (2, (4, 5), 3, 4)


def test_rows_are_taken_without_copying_frames() -> None:
    frames = np.random.default_rng(0).integers(0, 9, (4, 3, 2, 4, 5), dtype=np.uint8)
    whole = EventSplit(frames=frames, labels=np.array([3, 2, 1, 0]))
    part = whole.take(np.array([True, False, True, True]))
    assert isinstance(part.frames, ChosenRows)
    assert part.frames.array is frames
    assert np.array_equal(part.inputs[:], frames[[0, 2, 3]])
    assert part.labels.tolist() == [3, 1, 0]
    again = part.take(np.array([False, True, False]))
    assert np.array_equal(again.inputs[:], frames[[2]])


@pytest.mark.parametrize(
    ("frames", "labels", "message"),
    [
        (np.zeros((0, 3, 2, 4, 5), np.uint8), np.zeros(0, np.int64), "no frames"),
        (np.zeros((2, 0, 2, 4, 5), np.uint8), np.zeros(2, np.int64), "no frames"),
        (np.zeros((2, 3, 2, 4, 5), np.float32), np.zeros(2, np.int64), "frames are float32"),
        (np.zeros((2, 3, 1, 4, 5), np.uint8), np.zeros(2, np.int64), r"give uint8 \[N, T, 2, H, W\]"),
        (np.zeros((2, 2, 4, 5), np.uint8), np.zeros(2, np.int64), r"of shape \(2, 2, 4, 5\)"),
        (
            np.zeros((2, 3, 2, 4, 5), np.uint8),
            np.zeros(3, np.int64),
            "2 recordings but 3 labels: give one",
        ),
        (np.zeros((2, 3, 2, 4, 5), np.uint8), np.array([0, -1]), "label -1 in row 1"),
    ],
)
def test_bad_arrays_are_refused(frames: np.ndarray, labels: np.ndarray, message: str) -> None:
    with pytest.raises(BadData, match=message) as caught:
        EventSplit(frames=frames, labels=labels)
    assert "\n" not in str(caught.value)


def test_splits_must_fit_the_preparation_and_the_classes() -> None:
    with pytest.raises(BadData, match=r"data 'd': frames of split 'test' are \(3, 2, 4, 6\), the preparation takes"):
        data(test=split(width=6))
    with pytest.raises(BadData, match="data 'd': split 'validation' has label 2, but there are 2 classes"):
        data(validation=split(label=2))
