"""Event data by name and folder: cut as asked, cached, and refused with the way out."""

import importlib
import shutil
from pathlib import Path

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
