"""Finding the columns of a data set, and one line for everything that cannot be read."""

import shutil
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from spikewright.data import hub_or_folder as module
from spikewright.data.hub_or_folder import Source, read_folder, read_hub
from spikewright.errors import BadData

GREY = Image.fromarray(np.zeros((4, 4), np.uint8))


def save(folder: Path, columns: dict[str, list[object]], features: dict[str, object]) -> Path:
    """Write the same rows as the train and the test split, in the hub's parquet layout."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
    for split in ("train", "test"):
        rows.to_parquet(str(folder / f"{split}-00000-of-00001.parquet"))
    return folder


def read(folder: Path, scratch: Path, label: str | None = None) -> Source:
    scratch.mkdir(exist_ok=True)
    return read_folder(folder, where="data 'd'", label=label, scratch=scratch)


INTEGER, CLASSES = datasets.Value("int32"), datasets.ClassLabel(names=["a", "b", "c"])


def test_columns_are_found_by_type_whatever_their_names(tmp_path: Path) -> None:
    columns = {"bild": [GREY] * 2, "zahl": [1, 0], "text": ["x", "y"]}
    folder = save(
        tmp_path / "d", columns, {"bild": datasets.Image(), "zahl": INTEGER, "text": datasets.Value("string")}
    )
    found = read(folder, tmp_path / "s")
    assert list(found.pictures) == ["train", "test"]
    assert found.labels["test"].tolist() == [1, 0]
    assert found.labels["test"].dtype == np.int64
    assert (found.classes, len(found.pictures["train"])) == (2, 2)


def test_classes_go_before_integers_and_count_unused_ones(tmp_path: Path) -> None:
    columns = {"image": [GREY], "id": [77], "kind": [1]}
    folder = save(tmp_path / "d", columns, {"image": datasets.Image(), "id": INTEGER, "kind": CLASSES})
    found = read(folder, tmp_path / "s")
    assert (found.classes, found.labels["train"].tolist()) == (3, [1])


def test_several_label_columns_need_a_choice(tmp_path: Path) -> None:
    columns = {"image": [GREY], "coarse": [1], "fine": [2]}
    folder = save(tmp_path / "d", columns, {"image": datasets.Image(), "coarse": CLASSES, "fine": CLASSES})
    with pytest.raises(BadData, match=r"2 label columns \(coarse, fine\) among image, coarse, fine: .* label="):
        read(folder, tmp_path / "s")
    assert read(folder, tmp_path / "s", "fine").labels["train"].tolist() == [2]
    with pytest.raises(BadData, match="no label column 'fin': choose one of coarse, fine"):
        read(folder, tmp_path / "s", "fin")


def test_a_data_set_written_by_save_to_disk(tmp_path: Path) -> None:
    rows = datasets.Dataset.from_dict(
        {"image": [GREY], "label": [2]},
        features=datasets.Features({"image": datasets.Image(), "label": CLASSES}),
    )
    datasets.DatasetDict(train=rows, test=rows).save_to_disk(str(tmp_path / "d"))
    assert read(tmp_path / "d", tmp_path / "s").labels["test"].tolist() == [2]


@pytest.mark.parametrize(
    ("columns", "features", "message"),
    [
        ({"label": [1]}, {"label": CLASSES}, "0 image columns among label: exactly one"),
        ({"image": [GREY]}, {"image": datasets.Image()}, "no label column among image"),
        (
            {"image": [GREY] * 2, "label": [0, None]},
            {"image": datasets.Image(), "label": CLASSES},
            "split 'train', row 1: the label is missing",
        ),
        (
            {"image": [GREY] * 2, "label": [0, -1]},
            {"image": datasets.Image(), "label": CLASSES},
            "split 'train', row 1: label -1: labels start at 0",
        ),
        ({"image": [], "label": []}, {"image": datasets.Image(), "label": CLASSES}, "data 'd'"),
    ],
)
def test_unfit_columns_are_refused(
    tmp_path: Path, columns: dict[str, list[object]], features: dict[str, object], message: str
) -> None:
    folder = save(tmp_path / "d", columns, features)
    with pytest.raises(BadData, match=message) as caught:
        read(folder, tmp_path / "s")
    assert "\n" not in str(caught.value)


def test_truncated_and_empty_folders_are_one_quiet_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = save(tmp_path / "d", {"image": [GREY], "label": [1]}, {"image": datasets.Image(), "label": CLASSES})
    file = folder / "train-00000-of-00001.parquet"
    file.write_bytes(file.read_bytes()[:-20])
    (tmp_path / "empty").mkdir()
    capfd.readouterr()
    for bad in (folder, tmp_path / "empty"):
        with pytest.raises(
            BadData, match=r"data 'd': cannot be read \(\w+: .*\): give parquet files or images"
        ) as caught:
            read(bad, tmp_path / "s")
        assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_terminal_settings_are_put_back(tmp_path: Path) -> None:
    folder = save(tmp_path / "d", {"image": [GREY], "label": [1]}, {"image": datasets.Image(), "label": CLASSES})
    before = datasets.is_progress_bar_enabled(), datasets.logging.get_verbosity()
    read(folder, tmp_path / "s")
    assert (datasets.is_progress_bar_enabled(), datasets.logging.get_verbosity()) == before


def test_an_error_of_the_hub_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise FileNotFoundError(f"Dataset '{name}' doesn't exist on the Hub\nmore\nlines")

    monkeypatch.setattr(module.datasets, "load_dataset", refuse)
    with pytest.raises(BadData, match="FileNotFoundError: Dataset 'a/b' doesn't exist on the Hub") as caught:
        read_hub("a/b", where="data 'a/b'", label=None)
    assert "\n" not in str(caught.value)


def test_a_split_of_one_class_alone_is_named(tmp_path: Path) -> None:
    for place in ("train/cat", "test/cat", "test/dog"):
        (tmp_path / "d" / place).mkdir(parents=True)
        GREY.save(tmp_path / "d" / place / "1.png")
    with pytest.raises(
        BadData, match="split 'train': has no labels; folders of one class alone give none: give images"
    ):
        read(tmp_path / "d", tmp_path / "s")
    shutil.rmtree(tmp_path / "d" / "test" / "dog")
    with pytest.raises(BadData, match="no label column among image: give images as train/CLASS/IMAGE"):
        read(tmp_path / "d", tmp_path / "s2")


@pytest.mark.parametrize("name", ["parquet", "csv", "imagefolder"])
def test_a_folder_named_like_a_format_is_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / name, {"image": [GREY], "label": [1]}, {"image": datasets.Image(), "label": CLASSES})
    (tmp_path / "other.parquet").write_bytes(b"of somebody else")
    assert read(Path(name), tmp_path / "s").labels["train"].tolist() == [1]


def test_bars_are_for_downloads_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[bool] = []

    def load(*_: object, **__: object) -> None:
        shown.append(datasets.is_progress_bar_enabled())
        raise OSError("enough")

    monkeypatch.setattr(module.datasets, "load_dataset", load)
    before = datasets.is_progress_bar_enabled()
    datasets.enable_progress_bars()
    try:
        for reading in (lambda: read(tmp_path, tmp_path / "s"), lambda: read_hub("d", where="data 'd'", label=None)):
            with pytest.raises(BadData, match="enough"):
                reading()
            assert datasets.is_progress_bar_enabled(), "as it was before"
    finally:
        if not before:
            datasets.disable_progress_bars()
    assert shown == [False, True]
