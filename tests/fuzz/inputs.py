"""The malformed inputs: a number decides which files of the bases are damaged, how, and what is run on them."""

import os
import shutil
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
from PIL import Image

from fuzz import mutations
from fuzz.bases import COMPARE, INJECT, SEARCH, toml

EVALUATE = ("--images", "8", "--codes-images", "2", "--batch-size", "8")
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
IMAGES = ("evaluate", "top0_p4", *EVALUATE, "--data", "images")
EVENTS = (
    "train", "--model", "top0", "--data", "events", "--timesteps", "2", "--epochs", "1", "--size", "8x8", "--out",
    "made",
)  # fmt: skip


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


def _record(draw: Random) -> tuple[str, tuple[str, ...]]:
    path = Path("record.jsonl")
    lines = path.read_text().splitlines()
    if draw.random() < 0.3:
        return mutations.mutate_bytes(path, draw), INJECT
    at = draw.randrange(len(lines))
    line = Path("line.json")
    line.write_text(lines[at])
    words = mutations.mutate_json(line, draw)
    lines[at] = line.read_text()
    line.unlink()
    path.write_text("\n".join(lines) + "\n")
    return f"record, line {at}: {words}", INJECT


def _comparison(draw: Random) -> tuple[str, tuple[str, ...]]:
    path = Path("comparison/compare.json")
    damage = mutations.mutate_json if draw.random() < 0.8 else mutations.mutate_bytes
    return damage(path, draw), (*COMPARE, "--out", "comparison")


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


def _images(draw: Random) -> tuple[str, tuple[str, ...]]:
    path = draw.choice(sorted(Path("images").rglob("*.png")))
    deed = draw.choice(("bytes", "bytes", "mode", "size", "class", "loop", "pipe", "flat", "gone", "text"))
    if deed == "bytes":
        return mutations.mutate_bytes(path, draw), IMAGES
    if deed == "mode":
        mode = draw.choice(("RGBA", "P", "1", "CMYK", "F", "I", "LA", "YCbCr", "I;16"))
        deed = f"mode {mode}"
        suffix = ".tiff" if mode in ("CMYK", "F", "I", "YCbCr") else ".png"
        Image.new(mode, (8, 8)).save(path.with_suffix(suffix))
    elif deed == "size":
        content = bytearray(path.read_bytes())
        content[16:24] = draw.choice((0, 1, 9000, 12000, 60000, 2**31 - 1)).to_bytes(4, "big") * 2
        path.write_bytes(bytes(content))
    elif deed == "class":
        shutil.rmtree(path.parent)
    elif deed == "loop":
        (path.parent / "loop").symlink_to(Path.cwd() / "images")
    elif deed == "pipe":
        path.unlink()
        os.mkfifo(path)
    elif deed == "flat":
        shutil.rmtree("images")
        Path("images").write_text("no folder")
    elif deed == "gone":
        shutil.rmtree(Path("images", draw.choice(("train", "test"))))
    else:
        path.with_suffix(".txt").write_text("?")
    return f"{path} {deed}", IMAGES


def _events(draw: Random) -> tuple[str, tuple[str, ...]]:
    path = draw.choice(sorted(Path("events").rglob("*.npy")))
    array = np.load(path)
    deed = draw.choice(("bytes", "bytes", "other", "other", "table", "table", "objects", "fields", "claims", "class"))
    if deed == "bytes":
        return mutations.mutate_bytes(path, draw), EVENTS
    if deed == "other":
        ending = draw.choice((".bin", ".aedat", ".aedat4"))
        start = draw.choice((b"", b"#!AER-DAT2.0\r\n", b"#!AER-DAT3.1\r\n#!END-HEADER\r\n", b"#!AER-DAT4.0\r\n"))
        path.unlink()
        path.with_suffix(ending).write_bytes(start + draw.randbytes(draw.choice((0, 5, 8, 28, 36, 400))))
        deed = f"{ending}, {start!r}"
    elif deed == "table":
        value = draw.choice((-1, 2**15, 2**31, 2**62, float("nan"), 1e300, 0.5))
        array = array.astype(np.float64 if isinstance(value, float) else np.int64)
        array[draw.randrange(len(array)), draw.randrange(4)] = value
        np.save(path, array)
        deed = f"holds {value}"
    elif deed == "objects":
        np.save(path, np.array([None, {}, "x"], dtype=object), allow_pickle=True)
    elif deed == "fields":
        kind = draw.choice(("U3", "f8", "O", "c8", "M8[us]", "(2,)i4", "?"))
        np.save(
            path, np.zeros(4, dtype=[(name, kind) for name in draw.choice(("xypt", "xyp", "txyp"))]), allow_pickle=True
        )
        deed = f"fields {kind}"
    elif deed == "claims":
        with path.open("r+b") as stream:
            text = stream.read()
            stream.seek(0)
            stream.write(text.replace(b"(20, 4)", draw.choice((b"(9**9,)", b"(20,-4)", b"(99, 4)", b"([[[[[["))))
    else:
        shutil.rmtree(path.parent)
    return f"{path} {deed}", EVENTS


GROUPS: dict[str, tuple[int, Callable[[Random], tuple[str, tuple[str, ...]]]]] = {
    "structure": (40, _structure),
    "weights": (20, _weights),
    "options": (18, _option),
    "record": (6, _record),
    "comparison": (3, _comparison),
    "search": (6, _search),
    "images": (3, _images),
    "events": (4, _events),
}
