"""`--label`: which column holds the labels is said once, and the run knows it from then on."""

import json
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from spikewright.interchange.run_folder import load_source

from . import running

CLASSES = datasets.ClassLabel(names=["a", "b", "c"])
SETTINGS = ("--model", "top0", "--epochs", "1", "--batch-size", "8", "--levels", "3")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """16 images a split whose brightness is the fine label; the coarse one is always the other way round."""
    made = tmp_path / "set"
    made.mkdir()
    fine = [row % 3 for row in range(16)]
    images = [Image.fromarray(np.full((8, 8), 80 * label, dtype=np.uint8)) for label in fine]
    columns = {"image": images, "coarse": [int(label == 0) for label in fine], "fine": fine}
    features = datasets.Features({"image": datasets.Image(), "coarse": CLASSES, "fine": CLASSES})
    rows = datasets.Dataset.from_dict(columns, features=features)
    for split in ("train", "test"):
        rows.to_parquet(str(made / f"{split}-00000-of-00001.parquet"))
    return made


def test_a_column_is_named_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert running.spikewright(monkeypatch, "train", *SETTINGS, "--data", folder, "--out", out) == 2
    assert "2 label columns (coarse, fine)" in (said := capsys.readouterr().err)
    assert "--label" in said
    assert not out.exists()
    assert running.spikewright(monkeypatch, "train", *SETTINGS, "--data", folder, "--label", "fin", "--out", out) == 2
    assert "no label column 'fin'" in capsys.readouterr().err

    assert running.spikewright(monkeypatch, "train", *SETTINGS, "--data", folder, "--label", "fine", "--out", out) == 0
    assert load_source(out)[1]["label"] == "fine"
    spiking = tmp_path / "spiking"
    assert (
        running.spikewright(monkeypatch, "convert", out, "--method", "exact", "--timesteps", "2", "--out", spiking) == 0
    )
    figures = tmp_path / "figures.json"
    assert running.spikewright(monkeypatch, "evaluate", spiking, "--json", figures) == 0
    own = json.loads(figures.read_text())
    assert own["samples"] == 16
    assert len(own["accuracy_by_class"]) == 3
    assert None not in own["accuracy_by_class"], "each of the fine classes occurs"

    assert running.spikewright(monkeypatch, "evaluate", spiking, "--label", "coarse", "--json", figures) == 0
    other = json.loads(figures.read_text())
    assert other["accuracy_by_class"][2:] in ([], [None]), "the coarse ones are two"
