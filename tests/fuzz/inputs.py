"""The malformed inputs: a number decides which files of the bases are damaged, how, and what is run on them."""

import os
import shutil
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from random import Random
from typing import NamedTuple

from fuzz import data_sets, mutations, states
from fuzz.bases import COMPARE, EVALUATE, SEARCH, toml

FEW = ("--calibration", "8")
SPIKING = {
    "evaluate": EVALUATE,
    "inject": ("--ber", "1e-2", "--maps", "2", "--images", "8"),
    "bench": ("--rounds", "1", "--batch", "2"),
}
VERBS = {
    "cnn4/plan.json": {**SPIKING, "verify": ("--images", "4")},
    "top0_p4/plan.json": SPIKING,
    "q/plan.json": SPIKING,
    "top0/source.json": {
        "convert": ("--method", "percentile_norm", "--timesteps", "2", *FEW, "--out", "made"),
        "inject": ("--ber", "1e-2", "--maps", "2", "--images", "8", "--source"),
        "compare": (*COMPARE[2:], "--out", "made"),
    },
    "cnn/source.json": {
        "convert": ("--timesteps", "2", *FEW, "--out", "made"),
        "inject": ("--ber", "1e-2", "--maps", "2", "--images", "8", "--source"),
    },
    "lif/plan.json": SPIKING,
    "rich_exact/plan.json": {**SPIKING, "verify": ("--images", "4")},
    "rich_snm/plan.json": SPIKING,
    "rich_srp/plan.json": SPIKING,
    "rich/source.json": {
        "convert": ("--timesteps", "2", *FEW, "--out", "made"),
        "inject": ("--ber", "1e-2", "--maps", "2", "--images", "8", "--source"),
    },
    "cnn4/source.json": {"evaluate": EVALUATE, "verify": ("--images", "4"), "bench": SPIKING["bench"]},
}
ARRAYS = {"plan.json": "weights.safetensors", "source.json": "source.safetensors"}
ODD = (
    "", " ", "-1", "0", "1e999", "nan", "inf", "-inf", "99999999999999999999999", "9" * 5000, "1e-320", "x", "ü", "²",
    "x" * 300, "a/" * 3000, "/", "/proc/self", "/dev/null", "../../../x", "--", "\x01", "1,,2", ",", "1x",
    "99999x99999",
    "true", "None", "0x10", "\udc80", "top0/source.json", "top0/source.json/x", "/proc/x", "1000000000", "2147483648",
)  # fmt: skip
OPTIONS = {
    ("train", "--model", "top0", "--data", "digits", "--epochs", "1", "--out", "made"): (
        "model", "data", "epochs", "out", "levels", "slip", "seed", "timesteps", "leak", "threshold", "reset",
        "surrogate", "surrogate-width", "encoding", "loss", "weight-bits", "edge-bits", "membrane-bits", "set",
        "batch-size", "optimiser", "learning-rate", "weight-decay", "precision", "device", "devices", "size", "mean",
        "std", "weights", "from", "cutout", "recipe", "rate-penalty", "label-smoothing", "sparsity",
    ),
    ("evaluate", "cnn4", *EVALUATE): (
        "images", "codes-images", "batch-size", "engine", "energy-table", "noise", "mean", "std", "size", "seed",
        "device", "json", "data",
    ),
    ("inject", "cnn4", "--ber", "1e-2", "--maps", "2", "--images", "8"): (
        "ber", "maps", "fault", "set", "bits", "weight-range", "scope", "layer", "bit", "precision", "images", "split",
        "against", "margin", "way", "page", "record", "batch-size", "seed", "json", "data",
    ),
    ("convert", "cnn", "--timesteps", "2", *FEW, "--out", "made"): (
        "timesteps", "method", "alignment", "weight-bits", "calibration", "set", "out", "seed", "size", "json", "model",
        "weights", "max-accuracy-drop", "data",
    ),
    ("bench", "cnn4", "--rounds", "1", "--batch", "2"): ("batch", "threads", "seed", "size", "json", "data"),
    ("memory", "--model", "top0"): (
        "model", "weight-bits", "membrane-bits", "batch", "edge-bits", "data", "shape", "channels", "size", "classes",
        "seed", "json",
    ),
    ("verify", "cnn4", "--images", "4"): ("images", "split", "seed", "data", "json", "mean"),
    ("compare", *COMPARE[1:], "--out", "made"): ("methods", "timesteps", "out", "split", "images", "calibration"),
    ("check", "--model", "top0", "--shape", "1x8x8"): ("model", "shape", "weights", "data", "size", "json"),
}  # fmt: skip
LONG_RUNS = {"maps", "epochs", "rounds", "cap", "precision", "bench"}  # large numbers are meant, and take long


class Input(NamedTuple):
    """What was changed, and the command that meets it."""

    group: str
    words: str
    arguments: tuple[str, ...]


def damaged(bases: Path, folder: Path, seed: int) -> Input:
    """Put the bases into `folder`, damage them as `seed` says, and say what to run there."""
    draw = Random(seed)
    group = draw.choices(list(GROUPS), [share for share, _ in GROUPS.values()])[0]
    for name in os.listdir(folder):  # noqa: PTH208
        mutations.remove(folder / name)
    shutil.copytree(bases, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    with chdir(folder):
        words, arguments = GROUPS[group][1](draw)
    return Input(group, words, tuple(arguments))


def _structure(draw: Random) -> tuple[str, tuple[str, ...]]:
    name = draw.choice(sorted(VERBS))
    damage = mutations.mutate_json if draw.random() < 0.9 else mutations.mutate_bytes
    return damage(Path(name), draw), _verb(name, draw)


def _weights(draw: Random) -> tuple[str, tuple[str, ...]]:
    name = draw.choice(sorted(VERBS))
    run, structure = name.split("/")
    damage = mutations.mutate_arrays if draw.random() < 0.8 else mutations.mutate_bytes
    return damage(Path(run, ARRAYS[structure]), draw), _verb(name, draw)


def _verb(name: str, draw: Random) -> tuple[str, ...]:
    verb = draw.choice(sorted(VERBS[name]))
    return (verb, name.split("/", maxsplit=1)[0], *VERBS[name][verb])


def _search(draw: Random) -> tuple[str, tuple[str, ...]]:
    config = Path("search.toml")
    content, words = mutations.mutated({**SEARCH}, draw)
    config.write_text(toml(content) if isinstance(content, dict) else str(content)[:100])
    text = config.read_text().replace('"@deep"', "[" * 5000 + "]" * 5000).replace('"@4301"', "9" * 4301)
    config.write_text(text)
    if draw.random() < 0.2:
        words = mutations.mutate_bytes(config, draw)
    return f"search.toml {words}", ("search", "--config", "search.toml")


def _option(draw: Random) -> tuple[str, tuple[str, ...]]:
    base = draw.choice(sorted(OPTIONS))
    option = draw.choice(OPTIONS[base])
    value = draw.choice(ODD)
    if option in LONG_RUNS and value in ("1000000000", "2147483648"):
        value = "-5"
    return "options", (*base, f"--{option}", value)


GROUPS: dict[str, tuple[int, Callable[[Random], tuple[str, tuple[str, ...]]]]] = {
    "structure": (36, _structure),
    "weights": (16, _weights),
    "options": (16, _option),
    "record": (5, states.record),
    "comparison": (3, states.comparison),
    "workspace": (5, states.workspace),
    "checkpoint": (2, states.checkpoint),
    "weights of others": (3, states.weights_of_others),
    "search": (6, _search),
    "images": (4, data_sets.images),
    "tables": (3, data_sets.tables),
    "recordings": (5, data_sets.recordings),
}
