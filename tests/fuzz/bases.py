"""What is mutated: tiny runs, a record, a comparison, a search file, images and recordings, made once."""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from fuzz.running import command

MODEL = """from torch import nn

def convolutional():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(16, 10),
    )
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
INJECT = ("inject", "cnn4", "--ber", "1e-2", "--maps", "2", "--images", "8", "--record", "record.jsonl")
COMPARE = ("compare", "top0", "--methods", "percentile_norm", "--timesteps", "1", "--images", "8", "--calibration", "8")


def make(folder: Path) -> None:
    """All bases, below an empty folder, which must be where the command runs."""
    (folder / "fuzzed_models.py").write_text(MODEL)
    for arguments in (
        ("train", "--model", "top0", *TRAIN, "--out", "top0"),
        ("train", "--model", "fuzzed_models:convolutional", *TRAIN, "--levels", "3", "--out", "cnn"),
        ("train", "--model", "top0", *TRAIN, "--timesteps", "2", "--weight-bits", "1", "--out", "q"),
        ("convert", "cnn", "--timesteps", "2", "--out", "cnn4"),
        (
            "convert",
            "top0",
            "--method",
            "percentile_norm",
            "--timesteps",
            "4",
            "--calibration",
            "16",
            "--out",
            "top0_p4",
        ),
        INJECT,
        (*COMPARE, "--out", "comparison"),
    ):
        done = command(arguments)
        assert done.code == 0, f"the base {' '.join(arguments)}: {done.said}"
    for name in ("top0", "cnn", "q"):
        shutil.rmtree(folder / name / "checkpoints", ignore_errors=True)
    draw = np.random.default_rng(0)
    for split, many in (("train", 6), ("test", 2)):
        for kind in ("a", "b"):
            place = folder / "images" / split / kind
            place.mkdir(parents=True)
            for number in range(many):
                Image.fromarray(draw.integers(0, 255, (8, 8), dtype=np.uint8)).save(place / f"{number}.png")
            events = folder / "events" / split / kind
            events.mkdir(parents=True)
            for number in range(many):
                columns = (*draw.integers(0, 128, (2, 20)), draw.integers(0, 2, 20), np.arange(20))
                np.save(events / f"{number}.npy", np.stack(columns, axis=1).astype(np.int64))


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
