"""What is mutated: tiny runs, a record, a comparison, a search file, images and recordings, made once."""

import contextlib
import io
import shutil
from pathlib import Path

import datasets
import numpy as np
import torch
from data.events.writing import aedat2_bytes, aedat3_bytes, aedat4_bytes, some_events
from PIL import Image

from fuzz.running import command
from spikewright.models.mlp import top0

MODEL = """import torch
import torch.nn.functional as F
from torch import nn

def convolutional():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(16, 10),
    )

class rich(nn.Module):  # a shared layer, a sum, a concatenation, a transposed convolution, channels on the last axis
    def __init__(self):
        super().__init__()
        self.conv, self.same = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.up, self.rows, self.head = nn.ConvTranspose2d(4, 4, 2, stride=2), nn.Linear(8, 4), nn.Linear(4, 10)

    def forward(self, x):
        x = F.avg_pool2d(F.relu(self.conv(x)), 2)
        x = F.relu(self.same(x))
        x = F.relu(self.same(x)) + x
        y = F.max_pool2d(F.relu(self.up(x)), 2)
        x = torch.cat([x, y], 1).flatten(2).transpose(1, 2)
        return self.head(F.relu(self.rows(x)).mean(1))
"""
SEARCH = {
    "kind": "convert",
    "out": "made",
    "network": {"run": "top0"},
    "space": {"methods": ["percentile_norm"], "timesteps": [2], "bits": [8]},
    "convert": {"calibration": 16},
    "weights": {"per_channel": False},
    "gates": {"accuracy_margin": 5.0, "reliability_margin": 5.0, "level": 0.95},
    "faults": {"ber": [0.01], "maps": 2, "cap": 4, "images": 16},
}
TRAIN = ("--data", "digits", "--epochs", "1")
EVALUATE = ("--images", "8", "--codes-images", "2", "--batch-size", "8")
INJECT = ("inject", "cnn4", "--ber", "1e-2", "--maps", "2", "--images", "8", "--record", "record.jsonl")
COMPARE = ("compare", "top0", "--methods", "percentile_norm", "--timesteps", "1", "--images", "8", "--calibration", "8")
SEARCHED = ("search", "--config", "searched.toml")
LONGER = ("train", "--model", "top0", "--data", "digits", "--epochs", "2", "--out", "begun", "--resume")
SAMPLED = {
    **SEARCH,
    "out": "searched",
    "space": {"methods": ["percentile_norm"], "timesteps": {"low": 2, "high": 9}, "bits": [8]},
    "optuna": {"trials": 1, "sampler": "random"},
}
FEW = ("--timesteps", "2", "--calibration", "8")
LIF = (
    "--timesteps", "2", "--neuron", "lif", "--learn-leak", "--encoding", "rate", "--reset", "hard", "--readout",
    "spikes", "--loss", "count",
)  # fmt: skip
COMMANDS = (
    ("train", "--model", "top0", *TRAIN, "--out", "top0"),
    ("train", "--model", "fuzzed_models:convolutional", *TRAIN, "--levels", "3", "--out", "cnn"),
    ("train", "--model", "fuzzed_models:rich", *TRAIN, "--out", "rich"),
    ("train", "--model", "top0", *TRAIN, "--timesteps", "2", "--weight-bits", "1", "--out", "q"),
    ("train", "--model", "top0", *TRAIN, *LIF, "--out", "lif"),
    ("train", "--model", "top0", *TRAIN, "--out", "begun"),
    ("convert", "cnn", "--timesteps", "2", "--out", "cnn4"),
    ("convert", "top0", "--method", "percentile_norm", *FEW, "--out", "top0_p4"),
    ("convert", "rich", *FEW, "--out", "rich_exact"),
    ("convert", "rich", "--method", "snm", *FEW, "--out", "rich_snm"),
    ("convert", "rich", "--method", "srp", *FEW, "--out", "rich_srp"),
    INJECT,
    (*COMPARE, "--out", "comparison"),
    SEARCHED,
)


def make(folder: Path) -> None:
    """All bases, below an empty folder, which must be where the command runs."""
    (folder / "fuzzed_models.py").write_text(MODEL)
    (folder / "searched.toml").write_text(toml(SAMPLED))
    for arguments in COMMANDS:
        done = command(arguments)
        assert done.code in (0, 1), f"the base {' '.join(arguments)}: {done.said}"  # 1: a search in which none passes
    for name in ("top0", "cnn", "rich", "q", "lif"):
        shutil.rmtree(folder / name / "checkpoints", ignore_errors=True)
    torch.save(top0(channels=1, size=(8, 8), classes=10).state_dict(), folder / "weights.pt")
    _make_images(folder)
    _make_recordings(folder / "events")


def _make_images(folder: Path) -> None:
    draw = np.random.default_rng(0)
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])})
    splits = {}
    for split, many in (("train", 6), ("test", 2)):
        columns = {"image": [], "label": []}
        for label, kind in enumerate("ab"):
            place = folder / "images" / split / kind
            place.mkdir(parents=True)
            for number in range(many):
                image = Image.fromarray(draw.integers(0, 255, (8, 8), dtype=np.uint8))
                image.save(place / f"{number}.png")
                columns["image"].append(image)
                columns["label"].append(label)
        splits[split] = datasets.Dataset.from_dict(columns, features=features)
    (folder / "parquet").mkdir()
    with contextlib.redirect_stderr(io.StringIO()):  # bars
        datasets.DatasetDict(splits).save_to_disk(str(folder / "saved"))
        for split, rows in splits.items():
            rows.to_parquet(str(folder / "parquet" / f"{split}.parquet"))


def _make_recordings(folder: Path) -> None:
    draw, sensor = np.random.default_rng(0), (34, 34)
    for split, many in (("train", 6), ("test", 2)):
        for kind in ("a", "b"):
            (folder / split / kind).mkdir(parents=True)
            for number in range(many):
                columns = (*draw.integers(0, 128, (2, 20)), draw.integers(0, 2, 20), np.arange(20))
                np.save(folder / split / kind / f"{number}.npy", np.stack(columns, axis=1).astype(np.int64))
    events = some_events(20, sensor=sensor)
    for name, content in (
        ("2.aedat", aedat2_bytes(events)),
        ("3.aedat", aedat3_bytes(events)),
        ("4.aedat4", aedat4_bytes(events, sensor=(128, 128))),
    ):
        (folder / "train" / "a" / name).write_bytes(content)


def toml(table: dict, name: str = "") -> str:
    """TOML of nested tables, as far as a search file needs it."""
    plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
    lines = [f"[{name}]"] if name else []
    lines += [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    for key, value in table.items():
        if isinstance(value, dict):
            lines.append(toml(value, f"{name}.{_key(key)}" if name else _key(key)))
    return "\n".join(lines) + "\n"


def _key(key: str) -> str:
    return '"' + key.encode("unicode_escape", "replace").decode().replace('"', "") + '"'


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return (
            '"' + "".join(letter if " " <= letter < "\x7f" and letter not in '"\\' else "_" for letter in value) + '"'
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + "}"
    return "[]" if value is None else str(value)
