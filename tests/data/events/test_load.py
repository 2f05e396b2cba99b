"""Event data by name and folder: cut as asked, cached, and refused with the way out."""

import importlib
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from data.events.writing import (
    aedat2_bytes,
    aedat3_bytes,
    bin_bytes,
    some_events,
    write,
    write_npy,
)
from spikewright.data import Batches, EventData, load, load_events
from spikewright.data.cache import cache_folder
from spikewright.data.events.by_folder import CIFAR10
from spikewright.data.events.frames import frames
from spikewright.data.events.read import read_recording
from spikewright.errors import BadData, BadFile, BadSetting

pytest.importorskip("tonic")
DECODING = importlib.import_module("spikewright.data.events.decoded")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the three named sets, small, and say where they are."""
    for split, count in (("Train", 10), ("Test", 3)):
        for label in range(3):
            for number in range(count):
                events = some_events(40, sensor=(34, 34), seed=100 * label + number)
                write(tmp_path / "nmnist" / split / str(label) / f"{number:05}.bin", bin_bytes(events))
    for name in CIFAR10:
        for number in range(20):
            events = some_events(30, sensor=(128, 128), seed=number)
            write(tmp_path / "cifar10_dvs" / name / f"cifar10_{name}_{number}.aedat", aedat2_bytes(events))
    gestures = tmp_path / "dvs_gesture" / "DvsGesture"
    for split, users in (("train", ("user01_led", "user02_led")), ("test", ("user24_led",))):
        write(gestures / f"trials_to_{split}.txt", "".join(f"{user}.aedat\n" for user in users).encode())
        for seed, user in enumerate(users):
            write(gestures / f"{user}.aedat", aedat3_bytes(some_events(500, sensor=(128, 128), seed=seed)))
            rows = "".join(f"{label},{label * 20_000},{label * 20_000 + 15_000}\n" for label in range(1, 12))
            write(gestures / f"{user}_labels.csv", f"class,startTime_usec,endTime_usec\n{rows}".encode())
    monkeypatch.setenv("SPIKEWRIGHT_DATA", str(tmp_path))
    return tmp_path


def same(one: EventData, two: EventData) -> bool:
    return all(
        np.array_equal(getattr(one, name).frames[:], getattr(two, name).frames[:])
        and np.array_equal(getattr(one, name).labels, getattr(two, name).labels)
        for name in ("train", "validation", "test")
    )


@pytest.mark.parametrize(
    ("name", "classes", "counts", "size"),
    [
        ("nmnist", 3, (27, 3, 9), (34, 34)),
        ("cifar10_dvs", 10, (160, 20, 20), (128, 128)),
        ("dvs_gesture", 11, (21, 1, 11), (128, 128)),
    ],
)
def test_the_named_sets_are_found(
    root: Path, name: str, classes: int, counts: tuple[int, ...], size: tuple[int, int]
) -> None:
    data = load_events(name, timesteps=3)
    assert (data.name, data.classes, data.size, data.timesteps) == (name, classes, size, 3)
    assert (len(data.train), len(data.validation), len(data.test)) == counts
    assert data.preparation.frame_shape == data.train.frames.shape[1:] == (3, 2, *size)
    assert same(data, load_events(str(root / name), timesteps=3))


def test_a_batch_holds_the_frames_of_its_recordings(root: Path) -> None:
    data = load_events("nmnist", timesteps=4, by="count", size=(17, 20))
    batch, labels = next(iter(Batches(data.test, batch_size=9, preparation=data.preparation)))
    assert (batch.dtype, batch.shape, labels.dtype) == (torch.float32, (9, 4, 2, 17, 20), torch.int64)
    files = [root / "nmnist" / "Test" / str(label) / f"{number:05}.bin" for label in range(3) for number in range(3)]
    for x, label, file in zip(batch, labels, files, strict=True):
        wanted = frames(read_recording(file), timesteps=4, by="count", size=(17, 20))
        assert np.array_equal(x.numpy(), wanted)
        assert label == int(file.parent.name)


def test_binary_shows_one_event_at_most(root: Path) -> None:
    counts, binary = (load_events("nmnist", timesteps=1, size=(2, 2), binary=binary) for binary in (False, True))
    (x, _), (y, _) = (
        next(iter(Batches(data.test, batch_size=9, preparation=data.preparation))) for data in (counts, binary)
    )
    assert x.max() > 1
    assert torch.equal(y, (x > 0).float())
    assert same(counts, binary)  # what is stored does not depend on it


def test_the_seed_moves_validation_and_never_test(root: Path) -> None:
    zero, again, one = (load_events("cifar10_dvs", timesteps=2, size=(8, 8), seed=seed) for seed in (0, 0, 1))
    assert same(zero, again)
    assert not np.array_equal(zero.validation.frames[:], one.validation.frames[:])
    assert np.array_equal(zero.test.frames[:], one.test.frames[:])
    assert zero.fingerprint == one.fingerprint
    assert len(load_events("nmnist", timesteps=2, validation_share=0.5).validation) == 15


def test_a_validation_folder_is_used(root: Path) -> None:
    shutil.copytree(root / "nmnist" / "Test", root / "nmnist" / "Validation")
    data = load_events("nmnist", timesteps=2)
    assert (len(data.train), len(data.validation)) == (30, 9)


def test_the_second_reading_opens_no_recording(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_events("nmnist", timesteps=2)
    monkeypatch.setattr(DECODING, "read_recording", None)  # a second reading would fail
    assert same(first, load_events("nmnist", timesteps=2))


@pytest.mark.parametrize("damaged", ["entry.json", "train-frames.npy", "test-labels.npy"])
def test_a_damaged_cache_is_made_anew(root: Path, damaged: str) -> None:
    first = load_events("nmnist", timesteps=2)
    (file,) = cache_folder().glob(f"*/{damaged}")
    file.write_bytes(file.read_bytes()[:-3])
    assert same(load_events("nmnist", timesteps=2), first)
    assert len(list(cache_folder().iterdir())) == 1


def test_other_frames_and_changed_files_are_made_anew(root: Path) -> None:
    base = load_events("nmnist", timesteps=2)
    assert load_events("nmnist", timesteps=3).timesteps == 3
    assert load_events("nmnist", timesteps=2, size=(9, 9)).size == (9, 9)
    assert not same(base, load_events("nmnist", timesteps=2, by="count"))
    write(root / "nmnist" / "Test" / "0" / "00000.bin", bin_bytes([(1, 2, 3, True)]))
    changed = load_events("nmnist", timesteps=2)
    assert changed.fingerprint != base.fingerprint
    assert changed.test.frames[0].sum() == 1


def test_a_folder_of_one_s_own_may_tell_the_sensor(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for label in ("left", "right"):
            for number in range(3):
                write_npy(
                    tmp_path / "mine" / split / label / f"{number}.npy", some_events(9, sensor=(260, 346), seed=5)
                )
    with pytest.raises(BadData, match="outside the sensor of 128x128 pixels"):
        load_events(str(tmp_path / "mine"), timesteps=2)
    data = load_events(str(tmp_path / "mine"), timesteps=2, sensor=(260, 346), size=(26, 34))
    assert (data.name, data.size, data.classes) == (str(tmp_path / "mine"), (26, 34), 2)


def test_a_damaged_recording_is_named(root: Path) -> None:
    file = root / "nmnist" / "Train" / "1" / "00004.bin"
    file.write_bytes(file.read_bytes()[:-2])
    with pytest.raises(BadFile, match=r"Train/1/00004\.bin: 198 bytes are no whole number of events"):
        load_events("nmnist", timesteps=2)
    file.write_bytes(b"")
    with pytest.raises(BadData, match=r"Train/1/00004\.bin: no events"):
        load_events("nmnist", timesteps=2)


def test_a_gesture_without_events_is_named(root: Path) -> None:
    table = root / "dvs_gesture" / "DvsGesture" / "user24_led_labels.csv"
    table.write_text(table.read_text() + "3,900000000,900000001\n")
    with pytest.raises(BadData, match=r"user24_led\.aedat, 900000000 to 900000001 µs: no events"):
        load_events("dvs_gesture", timesteps=2)


def test_a_missing_test_split_is_named(root: Path) -> None:
    shutil.rmtree(root / "nmnist" / "Test")
    with pytest.raises(BadData, match="data 'nmnist': there is no test split, only train"):
        load_events("nmnist", timesteps=2)


@pytest.mark.parametrize("name", ["dvs_gesture", "cifar10_dvs", "nmnist"])
def test_a_missing_set_says_where_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPIKEWRIGHT_DATA", raising=False)
    with pytest.raises(BadData, match=f"'{name}': SPIKEWRIGHT_DATA is not set: .* get it from .*tonic") as caught:
        load_events(name, timesteps=2)
    assert "\n" not in str(caught.value)
    monkeypatch.setenv("SPIKEWRIGHT_DATA", "/nowhere")
    with pytest.raises(BadData, match=f"/nowhere/{name} does not exist: get it from .*, and unpack it there"):
        load_events(name, timesteps=2)


def test_an_unknown_name_is_refused_with_those_that_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadData, match=r"'dvs': there is no such folder: .*dvs_gesture, cifar10_dvs, nmnist"):
        load_events("dvs", timesteps=2)


def test_impossible_settings_are_refused_before_anything_is_read(root: Path) -> None:
    with pytest.raises(BadSetting, match="timesteps is 0"):
        load_events("nmnist", timesteps=0)
    with pytest.raises(BadSetting, match="no windows by 'place'"):
        load_events("nmnist", timesteps=2, by="place")  # type: ignore[arg-type]
    with pytest.raises(BadSetting, match=r"size is \(35, 34\), the sensor of .*\.bin has 34x34 pixels"):
        load_events("nmnist", timesteps=2, size=(35, 34))
    with pytest.raises(BadSetting, match=r"validation share is 1\.5"):
        load_events("nmnist", timesteps=2, validation_share=1.5)


def test_loading_it_as_images_says_what_it_is(root: Path) -> None:
    message = r"is event data: give --timesteps, how many frames a recording becomes \(in Python: load_events\)"
    for name in ("nmnist", str(root / "nmnist")):
        with pytest.raises(BadData, match=message):
            load(name)


def of_a_camera(folder: Path, *, unit: float = 1e-6, count: int = 4) -> dict[Path, np.ndarray]:
    """Structured recordings of a camera of 180x240, polarities −1 and 1, each with one stray event; by their file."""
    made = {}
    for split in ("train", "test"):
        for label in range(2):
            for number in range(count):
                random = np.random.default_rng([label, number, len(split)])
                events = np.zeros(200, [("t", np.float64), ("x", np.int16), ("y", np.int16), ("p", np.int8)])
                events["t"] = np.sort(random.integers(0, 1_500_000, 200)) * 1e-6 / unit
                events["x"], events["y"] = random.integers(0, 240, 200), random.integers(0, 180, 200)
                events["p"] = random.choice([-1, 1], 200)
                events["x"][7] = 240
                file = folder / split / str(label) / f"{number}.npy"
                file.parent.mkdir(parents=True, exist_ok=True)
                np.save(file, events)
                made[file] = events
    return made


def by_hand(events: np.ndarray, timesteps: int) -> np.ndarray:
    """Frames of 180x240 event by event, in Python's integers."""
    counts = np.zeros((timesteps, 2, 180, 240), np.uint8)
    inside = [(round(t * 10**6), int(x), int(y), int(p)) for t, x, y, p in events.tolist() if x < 240]
    first, last = inside[0][0], inside[-1][0]
    for t, x, y, p in inside:
        counts[(t - first) * timesteps // (last - first + 1), (p + 1) // 2, y, x] += 1
    return counts


def test_another_camera_in_seconds_is_read_as_it_is_said(tmp_path: Path) -> None:
    made = of_a_camera(tmp_path / "d", unit=1.0)
    said: list[str] = []
    data = load_events(
        str(tmp_path / "d"), timesteps=5, sensor=(180, 240), time_unit="s", stray="drop", polarity="-1/1",
        on_progress=lambda what, done, total, /, note="": said.append(note),
    )  # fmt: skip
    files = [file for file in sorted(made) if file.parts[-3] == "test"]
    for frame, file in zip(data.test.frames[:], files, strict=True):
        assert np.array_equal(frame, by_hand(made[file], 5))
    (line,) = data.notes
    assert line.startswith("16 events outside the sensor were dropped, of 16 recordings (first ")
    assert said == [f"data '{tmp_path / 'd'}': {line}"]
    # what is saved with a network reads the same, from the cache, with the same lines
    assert data.preparation.recording is not None
    again = load_events(str(tmp_path / "d"), timesteps=5, **asdict(data.preparation.recording))
    assert same(again, data)
    assert again.notes == data.notes
    assert len(list(cache_folder().iterdir())) == 1


def test_what_is_not_said_is_asked_for(tmp_path: Path) -> None:
    of_a_camera(tmp_path / "d", unit=1.0)
    known: dict[str, Any] = {}
    for message, more in (
        ("have times with fractions.*--time-unit", {"time_unit": "s"}),
        ("has p = -1.*--polarity -1/1", {"polarity": "-1/1"}),
        ("outside the sensor of 128x128.*--sensor", {"sensor": (180, 240)}),
        ("outside the sensor of 180x240.*--stray drop", {"stray": "drop"}),
    ):
        with pytest.raises(BadData, match=message):
            load_events(str(tmp_path / "d"), timesteps=2, **known)
        known |= more
    assert len(load_events(str(tmp_path / "d"), timesteps=2, **known).test) == 8


def test_settings_of_recordings_are_part_of_the_key(tmp_path: Path) -> None:
    for file, events in of_a_camera(tmp_path / "d", unit=1e-6).items():
        events["p"], events["t"] = 1, np.rint(events["t"])
        events["x"] = np.minimum(events["x"], 239)
        np.save(file, events)
    wide, small = (load_events(str(tmp_path / "d"), timesteps=2, sensor=size) for size in ((180, 240), (200, 300)))
    assert (wide.size, small.size) == ((180, 240), (200, 300))
    assert wide.preparation != small.preparation
    assert len(list(cache_folder().iterdir())) == 2


def test_mostly_empty_frames_are_said(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for label in range(2):
            for number in range(3):
                events = [(1, 2, 0, True), (3, 4, 5, True), (5, 6, 900_000, False)]
                write_npy(tmp_path / "d" / split / str(label) / f"{number}.npy", events)
    (line,) = load_events(str(tmp_path / "d"), timesteps=10).notes
    assert line.startswith("12 of 12 recordings leave more than half of their frames empty (first ")
    assert "8 of 10" in line


def test_classes_that_cannot_be_learned_are_named(root: Path) -> None:
    shutil.rmtree(root / "nmnist" / "Train" / "2")
    with pytest.raises(BadData, match="'nmnist': split 'train' has nothing of class '2', which split 'test' has"):
        load_events("nmnist", timesteps=2)
    shutil.rmtree(root / "nmnist" / "Test" / "2")
    shutil.rmtree(root / "nmnist" / "Test" / "1")
    assert load_events("nmnist", timesteps=2).notes == (
        "split 'test' has nothing of class '1': its accuracy says nothing about that",
    )
    shutil.rmtree(root / "nmnist" / "Train" / "1")
    with pytest.raises(BadData, match="'nmnist': holds one class only, '0'"):
        load_events("nmnist", timesteps=2)
