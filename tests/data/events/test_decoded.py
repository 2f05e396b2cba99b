"""Takes become the frames of their recordings, and come back from the cache as they went in."""

from pathlib import Path

import numpy as np
import pytest

from data.events.writing import aedat3_bytes, some_events, write, write_npy
from spikewright.data.events import decoded
from spikewright.data.events.decoded import FrameFormat, decode, read
from spikewright.data.events.frames import frames
from spikewright.data.events.read import read_recording
from spikewright.data.events.takes import Take, Takes
from spikewright.errors import BadData

FORMAT = FrameFormat(timesteps=4, by="count", size=(32, 40))


def takes(folder: Path) -> Takes:
    """Two trials of two gestures each, and two files of one."""
    trials = [write(folder / f"{n}.aedat", aedat3_bytes(some_events(400, sensor=(128, 128), seed=n))) for n in (1, 2)]
    single = [write_npy(folder / f"{n}.npy", some_events(50, sensor=(128, 128), seed=n)) for n in (3, 4)]
    train = [
        Take(file=file, label=label, span=(label * 100_000, label * 100_000 + 90_000))
        for file in trials
        for label in (0, 1)
    ]
    test = [Take(file=file, label=1) for file in single]
    return Takes(splits={"train": tuple(train), "test": tuple(test)}, classes=("a", "b"))


def test_each_row_is_the_frames_of_its_take(tmp_path: Path) -> None:
    found = takes(tmp_path)
    got = decode(found, FORMAT, tmp_path, where="d")
    assert got.classes == 2
    for name, part in found.splits.items():
        split = got.splits[name]
        assert split.frames.shape == (len(part), 4, 2, 32, 40)
        assert split.labels.tolist() == [take.label for take in part]
        for row, take in enumerate(part):
            recording = read_recording(take.file)
            recording = recording if take.span is None else recording.cut(*take.span)
            assert np.array_equal(split.frames[row], frames(recording, timesteps=4, by="count", size=(32, 40)))


def test_a_file_of_several_takes_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counting(file: Path, **settings: object) -> object:
        asked.append(file.name)
        return read_recording(file, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(decoded, "read_recording", counting)
    decode(takes(tmp_path), FORMAT, tmp_path, where="d")
    assert asked == ["1.aedat", "2.aedat", "3.npy", "4.npy"]


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    made = decode(takes(tmp_path), FORMAT, tmp_path, where="d")
    decoded.write(tmp_path, made)
    saved = read(tmp_path)
    assert (saved.classes, saved.fingerprint, set(saved.splits)) == (made.classes, made.fingerprint, {"train", "test"})
    for name, split in saved.splits.items():
        assert np.array_equal(split.frames[:], made.splits[name].frames[:])
        assert np.array_equal(split.labels, made.splits[name].labels)
        assert not split.frames.flags.writeable  # type: ignore[union-attr]  # mapped, not copied


def test_the_fingerprint_sees_other_frames(tmp_path: Path) -> None:
    found = takes(tmp_path)
    by_time = FrameFormat(timesteps=4, by="time", size=(32, 40))
    prints = {decode(found, wanted, tmp_path, where="d").fingerprint for wanted in (FORMAT, by_time)}
    assert len(prints) == 2
    assert decode(found, FORMAT, tmp_path, where="d").fingerprint in prints


def test_recordings_of_two_cameras_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("tonic")
    events = some_events(9, sensor=(34, 34))
    parts = {
        "train": (Take(file=write_npy(tmp_path / "1.npy", events), label=0),),
        "test": (Take(file=write(tmp_path / "2.bin", bytes(5)), label=0),),
    }
    with pytest.raises(BadData, match=r"2\.bin: the sensor has \(34, 34\) pixels, those before had \(128, 128\)"):
        decode(Takes(splits=parts, classes=("a", "b")), FORMAT, tmp_path, where="d")


def test_missing_and_empty_splits_are_named(tmp_path: Path) -> None:
    found = takes(tmp_path)
    with pytest.raises(BadData, match="d: there is no test split, only train"):
        decode(Takes(splits={"train": found.splits["train"]}, classes=("a",)), FORMAT, tmp_path, where="d")
    with pytest.raises(BadData, match="d: split 'test' holds no recordings"):
        decode(Takes(splits={**found.splits, "test": ()}, classes=("a",)), FORMAT, tmp_path, where="d")
