"""Loading by name, by folder and from the hub; the real data sets where they are at hand."""

import io
import os
import shutil
from pathlib import Path

import datasets
import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image

from spikewright.data import ImageData, load, lookup
from spikewright.errors import BadData, BadSetting

ROOT = os.environ.get("SPIKEWRIGHT_DATA")
CACHE = os.environ.get("SPIKEWRIGHT_CACHE")  # before each test gets one of its own
needs_data = pytest.mark.skipif(ROOT is None, reason="SPIKEWRIGHT_DATA is not set: no real data to read")


def same(one: ImageData, two: ImageData) -> bool:
    return all(
        np.array_equal(getattr(one, name).images, getattr(two, name).images)
        and np.array_equal(getattr(one, name).labels, getattr(two, name).labels)
        for name in ("train", "validation", "test")
    )


def test_digits_need_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPIKEWRIGHT_DATA", raising=False)
    data = load("digits")
    assert (data.classes, data.channels, data.size) == (10, 1, (8, 8))
    assert (len(data.train) + len(data.validation), len(data.test)) == (1347, 450)


def test_digits_have_no_column_to_name() -> None:
    with pytest.raises(BadSetting, match=r"'digits': its labels are in no column, and 'no' names one"):
        load("digits", label="no")


def test_the_seed_moves_validation_and_never_test() -> None:
    zero, again, one = load("digits", seed=0), load("digits", seed=0), load("digits", seed=1)
    assert same(zero, again)
    assert not np.array_equal(zero.validation.images, one.validation.images)
    assert np.array_equal(zero.test.images, one.test.images)
    assert (zero.fingerprint, zero.preparation) == (one.fingerprint, one.preparation)
    assert len(load("digits", validation_share=0.5).validation) == pytest.approx(1347 / 2, abs=10)


def test_preparation_is_measured_or_given() -> None:
    data = load("digits", validation_share=0.001)
    whole = np.concatenate([data.train.images, data.validation.images]) / 255
    assert data.preparation.mean == pytest.approx([whole.mean()], abs=1e-9)
    assert data.preparation.std == pytest.approx([whole.std()], abs=1e-9)
    given = load("digits", mean=(0.5,), std=(0.25,), size=(12, 10)).preparation
    assert (given.mean, given.std, given.size) == ((0.5,), (0.25,), (12, 10))
    with pytest.raises(BadSetting, match="mean has 3 values for 1 channels"):
        load("digits", mean=(0.5, 0.5, 0.5))


def test_a_folder_of_images_is_read_and_then_mapped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(str(folder), validation_share=0.2)
    assert (first.classes, first.channels, first.size) == (2, 1, (8, 6))
    assert (len(first.train), len(first.validation), len(first.test)) == (16, 4, 6)
    written = {Image.open(file).tobytes(): int(file.parent.name == "dog") for file in folder.glob("test/*/*.png")}
    assert {i.tobytes(): label for i, label in zip(first.test.images, first.test.labels, strict=True)} == written

    monkeypatch.setattr("spikewright.data.decode.decode", None)  # a second decoding would fail
    assert same(first, load(str(folder), validation_share=0.2))


def test_a_changed_folder_is_read_again(folder: Path) -> None:
    before = load(str(folder))
    Image.fromarray(np.full((8, 6), 7, np.uint8)).save(folder / "test" / "cat" / "0.png")
    after = load(str(folder))
    assert (after.test.images == 7).all(axis=(1, 2, 3)).sum() == 1
    assert after.fingerprint != before.fingerprint


def test_sizes_are_cached_apart(folder: Path) -> None:
    assert load(str(folder), size=(10, 12)).size == (10, 12)
    assert load(str(folder)).size == (8, 6)


@pytest.mark.parametrize("name", ["validation", "valid"])
def test_a_validation_split_is_used_where_there_is_one(folder: Path, name: str) -> None:
    shutil.copytree(folder / "test", folder / name)
    data = load(str(folder))
    assert (len(data.train), len(data.validation)) == (20, 6)


def test_a_missing_test_split_is_named_with_those_found(folder: Path) -> None:
    shutil.rmtree(folder / "test")
    with pytest.raises(BadData, match="there is no test split, only train: add a folder or files named test"):
        load(str(folder))


def test_a_corrupt_image_is_named(folder: Path) -> None:
    (folder / "train" / "dog" / "3.png").write_bytes(b"no image")
    with pytest.raises(BadData, match=r"split 'train', row \d+ \(.*dog/3.png\): not a readable image"):
        load(str(folder))


def test_images_of_two_sizes_need_a_size(folder: Path) -> None:
    Image.fromarray(np.zeros((9, 6), np.uint8)).save(folder / "test" / "cat" / "0.png")
    with pytest.raises(BadData, match="the image is 9x6, the first is 8x6: give a size"):
        load(str(folder))
    assert load(str(folder), size=(8, 8)).size == (8, 8)


def test_named_data_is_found_in_root(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPIKEWRIGHT_DATA", raising=False)
    folder.rename(folder.parent / "mnist")
    assert len(load("mnist", root=folder.parent).test) == 6


def test_without_a_network_the_way_out_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPIKEWRIGHT_DATA", raising=False)
    message = r"'mnist': SPIKEWRIGHT_DATA is not set and .*set SPIKEWRIGHT_DATA to"
    with pytest.raises(BadData, match=message) as caught:
        load("mnist")
    assert "\n" not in str(caught.value)
    monkeypatch.setenv("SPIKEWRIGHT_DATA", "/nowhere")
    with pytest.raises(BadData, match="/nowhere/cifar10 does not exist and the Hugging Face hub"):
        load("cifar10")
    with pytest.raises(BadData, match="'me/mine': there is no such folder and the Hugging Face hub cannot"):
        load("me/mine")


def test_a_data_set_of_the_hub_needs_the_network_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPIKEWRIGHT_DATA", raising=False)
    monkeypatch.setattr(lookup, "hub_answers", lambda: True)
    real, asked = datasets.load_dataset, []

    def hub(name: str) -> object:
        asked.append(name)
        return real(str(folder), cache_dir=str(folder.parent / "arrow"))

    monkeypatch.setattr(datasets, "load_dataset", hub)
    first = load("fashion_mnist")
    monkeypatch.setattr(lookup, "hub_answers", lambda: False)
    assert same(first, load("fashion_mnist"))
    assert asked == ["zalando-datasets/fashion_mnist"]


@pytest.mark.slow
@needs_data
@pytest.mark.parametrize(
    ("name", "shape", "train", "labels", "moments"),
    [
        ("mnist", (1, 28, 28), 60_000, [7, 2, 1, 0, 4], (0.1307, 0.3081)),
        ("fashion_mnist", (1, 28, 28), 60_000, [9, 2, 1, 1, 6], (0.2860, 0.3530)),
        ("cifar10", (3, 32, 32), 50_000, None, (0.4914, 0.2470)),
    ],
)
def test_the_real_data_sets(
    name: str,
    shape: tuple[int, int, int],
    train: int,
    labels: list[int] | None,
    moments: tuple[float, float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if CACHE is None:
        monkeypatch.delenv("SPIKEWRIGHT_CACHE")  # decoded once for all runs
    else:
        monkeypatch.setenv("SPIKEWRIGHT_CACHE", CACHE)
    data = load(name)
    assert data.test.images.shape == (10_000, *shape)
    assert len(data.train) + len(data.validation) == train
    assert len(data.validation) == pytest.approx(train / 10, abs=5)
    assert (data.preparation.mean[0], data.preparation.std[0]) == pytest.approx(moments, abs=2e-3)
    if labels is not None:
        assert data.test.labels[:5].tolist() == labels

    assert ROOT is not None
    (file,) = (Path(ROOT) / name).glob("test-*.parquet")
    rows = pyarrow.parquet.read_table(file).slice(1234, 1).to_pylist()[0]
    column = next(column for column in rows if column != "label")
    picture = np.asarray(Image.open(io.BytesIO(rows[column]["bytes"])))
    assert np.array_equal(np.moveaxis(np.atleast_3d(picture), 2, 0), data.test.images[1234])
    assert rows["label"] == data.test.labels[1234]
